/* Label expressions: text -> terms, all of which must be true.
 *
 * A term is one question about one name. Its values are sorted, so that a list of a thousand
 * addresses costs ten comparisons an agent. */
#include "common/selector.h"

#include "common/error.h"

#include <string.h>

typedef enum
{
  HAS,
  HAS_NOT,
  IN,
  NOT_IN
} Question;

typedef struct
{
  Question question;
  char *name;
  GPtrArray *values; /* of char *, sorted */
} Term;

struct ElvesSelector
{
  GPtrArray *terms; /* of Term */
};

typedef struct
{
  const char *text;
  const char *at;
  guint n_values;
} Reader;

static void
term_free (gpointer data)
{
  Term *term = data;
  g_free (term->name);
  g_ptr_array_unref (term->values);
  g_free (term);
}

static Term *
term_new (void)
{
  Term *term = g_new0 (Term, 1);
  term->values = g_ptr_array_new_with_free_func (g_free);
  return term;
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Term, term_free)

/* ---- reading -------------------------------------------------------------------------------- */

static gboolean
fail_at (const Reader *reader, const char *what, GError **error)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "at %d: %s",
               (int) (reader->at - reader->text) + 1, what);
  return FALSE;
}

static gboolean
fail_expected (const Reader *reader, const char *expected, GError **error)
{
  gunichar c = g_utf8_get_char_validated (reader->at, -1);
  char shown[8] = "?";
  if (*reader->at == '\0')
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "at %d: expected %s, found the end",
                 (int) (reader->at - reader->text) + 1, expected);
  else
    {
      if (c < 0x110000 && g_unichar_isprint (c))
        shown[g_unichar_to_utf8 (c, shown)] = '\0';
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "at %d: expected %s, found '%s'",
                   (int) (reader->at - reader->text) + 1, expected, shown);
    }
  return FALSE;
}

static void
skip_blanks (Reader *reader)
{
  while (g_ascii_isspace (*reader->at))
    reader->at++;
}

static gboolean
take (Reader *reader, const char *sign)
{
  gsize length = strlen (sign);
  if (strncmp (reader->at, sign, length) != 0)
    return FALSE;
  reader->at += length;
  skip_blanks (reader);
  return TRUE;
}

/* (nullable): there is none. */
static char *
take_word (Reader *reader)
{
  const char *begin = reader->at;
  while (elves_label_is_character (*reader->at))
    reader->at++;
  if (reader->at == begin)
    return NULL;
  char *word = g_strndup (begin, reader->at - begin);
  skip_blanks (reader);
  return word;
}

/* A word of the language: not the beginning of a longer one. */
static gboolean
take_keyword (Reader *reader, const char *keyword)
{
  gsize length = strlen (keyword);
  return !elves_label_is_character (reader->at[strnlen (reader->at, length)]) &&
         take (reader, keyword);
}

/* role= means the empty value. */
static gboolean
read_value (Reader *reader, Term *term, gboolean may_be_empty, GError **error)
{
  char *value = take_word (reader);
  if (value == NULL && !may_be_empty)
    return fail_expected (reader, "a value", error);
  g_ptr_array_add (term->values, value != NULL ? value : g_strdup (""));
  if (++reader->n_values > ELVES_SELECTOR_VALUES_LIMIT)
    return fail_at (reader, "there are more than 4096 values", error);
  return TRUE;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
read_set (Reader *reader, Term *term, GError **error)
{
  if (!take (reader, "("))
    return fail_expected (reader, "'('", error);
  do
    if (!read_value (reader, term, FALSE, error))
      return FALSE;
  while (take (reader, ","));
  g_ptr_array_sort (term->values, compare_texts);
  return take (reader, ")") || fail_expected (reader, "',' or ')'", error);
}

/* What comes behind the name. */
static gboolean
read_question (Reader *reader, Term *term, GError **error)
{
  if (take (reader, "!="))
    {
      term->question = NOT_IN;
      return read_value (reader, term, TRUE, error);
    }
  if (take (reader, "==") || take (reader, "="))
    {
      term->question = IN;
      return read_value (reader, term, TRUE, error);
    }
  if (take_keyword (reader, "in"))
    {
      term->question = IN;
      return read_set (reader, term, error);
    }
  if (take_keyword (reader, "notin"))
    {
      term->question = NOT_IN;
      return read_set (reader, term, error);
    }
  term->question = HAS;
  return TRUE;
}

static gboolean
read_term (Reader *reader, Term *term, GError **error)
{
  gboolean denied = take (reader, "!");
  term->name = take_word (reader);
  if (term->name == NULL)
    return fail_expected (reader, "a name", error);
  if (denied)
    {
      term->question = HAS_NOT;
      return TRUE;
    }
  return read_question (reader, term, error);
}

static gboolean
read_terms (Reader *reader, GPtrArray *terms, GError **error)
{
  do
    {
      g_autoptr (Term) term = term_new ();
      if (terms->len == ELVES_SELECTOR_TERMS_LIMIT)
        return fail_at (reader, "there are more than 64 terms", error);
      if (!read_term (reader, term, error))
        return FALSE;
      g_ptr_array_add (terms, g_steal_pointer (&term));
    }
  while (take (reader, ","));
  return *reader->at == '\0' || fail_expected (reader, "',' or the end", error);
}

/**
 * elves_selector_parse:
 * @text: from outside; blank selects everything
 *
 * Returns: (transfer full): the selector; %NULL on error.
 * Errors: %ELVES_ERROR_INVALID says where and what was expected.
 */
ElvesSelector *
elves_selector_parse (const char *text, GError **error)
{
  g_autoptr (ElvesSelector) self = g_new0 (ElvesSelector, 1);
  Reader reader = { text, text, 0 };
  self->terms = g_ptr_array_new_with_free_func (term_free);
  if (strnlen (text, ELVES_SELECTOR_LIMIT_BYTES + 1) > ELVES_SELECTOR_LIMIT_BYTES)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "it is longer than %d bytes",
                   ELVES_SELECTOR_LIMIT_BYTES);
      return NULL;
    }
  skip_blanks (&reader);
  if (*reader.at != '\0' && !read_terms (&reader, self->terms, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_selector_free:
 * @self: (nullable): a selector
 */
void
elves_selector_free (ElvesSelector *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->terms);
  g_free (self);
}

/* ---- asking --------------------------------------------------------------------------------- */

static int
compare_value (const ElvesLabelText *value, const char *text)
{
  gsize length = strlen (text);
  int order = memcmp (value->text, text, MIN (value->length, length));
  return order != 0 ? order : (value->length > length) - (value->length < length);
}

static gboolean
is_among (const Term *term, const ElvesLabelText *value)
{
  guint low = 0, high = term->values->len;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      int order = compare_value (value, term->values->pdata[middle]);
      if (order == 0)
        return TRUE;
      if (order < 0)
        high = middle;
      else
        low = middle + 1;
    }
  return FALSE;
}

static gboolean
is_true (const Term *term, ElvesSelectorGet get, gconstpointer subject)
{
  ElvesLabelText value;
  gboolean has = get (subject, term->name, &value);
  switch (term->question)
    {
    case HAS:
      return has;
    case HAS_NOT:
      return !has;
    case IN:
      return has && is_among (term, &value);
    default:
      return !has || !is_among (term, &value);
    }
}

/**
 * elves_selector_matches:
 * @self: a selector
 * @get: what the subject has by a name
 * @subject: for @get
 *
 * Returns: whether every term is true of it.
 */
gboolean
elves_selector_matches (const ElvesSelector *self, ElvesSelectorGet get, gconstpointer subject)
{
  for (guint i = 0; i < self->terms->len; i++)
    if (!is_true (self->terms->pdata[i], get, subject))
      return FALSE;
  return TRUE;
}
