#include "openapi/qbasecron-later.h"

#include "common/error.h"

#include <string.h>

#define EVERY_DAY 0x7f
#define WEEKDAYS 0x3e
#define WEEKEND 0x41

enum
{
  TEXT_LIMIT_BYTES = 256
};

typedef enum
{
  SECOND,
  MINUTE,
  HOUR,
  DAY,
  N_UNITS,
  NO_UNIT = N_UNITS
} Unit;

typedef struct
{
  char **words;
  guint at;
  const char *expected; /* where it fails */

  Unit unit;
  guint every;
  guint days; /* bit 0: Sunday; 0: none named */
  gboolean has_time;
  guint hour, minute, second;
} Reading;

static gboolean
fail (Reading *self, const char *expected)
{
  self->expected = expected;
  return FALSE;
}

static const char *
peek (const Reading *self)
{
  return self->words[self->at] != NULL ? self->words[self->at] : "";
}

static gboolean
take (Reading *self, const char *word)
{
  if (strcmp (peek (self), word) != 0)
    return FALSE;
  self->at++;
  return TRUE;
}

/* ---- every, on ---- */

static Unit
unit_of (const char *word)
{
  static const struct
  {
    const char *name;
    Unit unit;
  } names[] = { { "second", SECOND }, { "sec", SECOND }, { "minute", MINUTE }, { "min", MINUTE },
                { "hour", HOUR },     { "hr", HOUR },    { "day", DAY } };
  gsize length = strlen (word);

  if (length > 1 && word[length - 1] == 's')
    length--;
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strlen (names[i].name) == length && strncmp (word, names[i].name, length) == 0)
      return names[i].unit;
  return NO_UNIT;
}

/* As bits; 0: no day. */
static guint
days_of (const char *word)
{
  static const char *const names[] = { "sunday",   "monday", "tuesday", "wednesday",
                                       "thursday", "friday", "saturday" };

  if (g_str_has_prefix (word, "weekday"))
    return WEEKDAYS;
  if (g_str_has_prefix (word, "weekend"))
    return WEEKEND;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strlen (word) >= 3 &&
        (g_str_has_prefix (names[i], word) ||
         (g_str_has_prefix (word, names[i]) && strcmp (word + strlen (names[i]), "s") == 0)))
      return 1u << i;
  return 0;
}

static gboolean
read_days (Reading *self)
{
  if (days_of (peek (self)) == 0)
    return fail (self, "a day such as monday or weekday");
  for (guint days; (days = days_of (peek (self))) != 0; take (self, "and"))
    {
      self->days |= days;
      self->at++;
    }
  return TRUE;
}

static gboolean
read_every (Reading *self)
{
  static const guint limits[] = { [SECOND] = 59, [MINUTE] = 59, [HOUR] = 23, [DAY] = 31 };
  char *end;
  guint64 every = g_ascii_strtoull (peek (self), &end, 10);

  if (end == peek (self) && days_of (peek (self)) != 0)
    return read_days (self);
  if (end == peek (self))
    every = 1;
  else
    self->at++;
  if (self->unit != NO_UNIT || (self->unit = unit_of (peek (self))) == NO_UNIT)
    return fail (self, "seconds, minutes, hours or days, once");
  if (every < 1 || every > limits[self->unit])
    return fail (self, "a number that fits the minute, the hour, the day or the month");
  self->every = (guint) every;
  self->at++;
  return TRUE;
}

/* ---- at ---- */

/* "5:00" "pm", or "5:00pm". */
static gboolean
read_half (Reading *self, const char *rest)
{
  gboolean is_behind =
      *rest == '\0' && (strcmp (peek (self), "am") == 0 || strcmp (peek (self), "pm") == 0);
  const char *half = is_behind ? peek (self) : rest;

  if (is_behind)
    self->at++;
  if (*half == '\0')
    return self->hour < 24 || fail (self, "an hour up to 23");
  if ((strcmp (half, "am") != 0 && strcmp (half, "pm") != 0) || self->hour < 1 || self->hour > 12)
    return fail (self, "a time such as 10:15 am");
  self->hour = self->hour % 12 + (*half == 'p' ? 12 : 0);
  return TRUE;
}

static gboolean
read_part (const char **at, guint max, guint *out_part)
{
  guint digits = 0;

  for (*out_part = 0; g_ascii_isdigit (**at) && digits < 2; digits++)
    *out_part = *out_part * 10 + (guint) (*(*at)++ - '0');
  return digits > 0 && *out_part <= max;
}

static gboolean
read_at (Reading *self)
{
  const char *at = peek (self);

  if (self->has_time || !read_part (&at, 23, &self->hour))
    return fail (self, "one time such as 10:15 am");
  if (*at == ':' && (at++, !read_part (&at, 59, &self->minute)))
    return fail (self, "minutes up to 59");
  if (*at == ':' && (at++, !read_part (&at, 59, &self->second)))
    return fail (self, "seconds up to 59");
  self->at++;
  self->has_time = TRUE;
  return read_half (self, at);
}

/* ---- the rule ---- */

static gboolean
read_all (Reading *self)
{
  do
    {
      gboolean ok = take (self, "every") ? read_every (self)
                    : take (self, "at")  ? read_at (self)
                    : take (self, "on")  ? read_days (self)
                                         : fail (self, "every, at or on");
      if (!ok)
        return FALSE;
    }
  while (self->words[self->at] != NULL);
  if (self->has_time && self->unit < DAY)
    return fail (self, "no time beside seconds, minutes or hours");
  return TRUE;
}

static void
add_field (GString *rule, const Reading *self, Unit unit, guint at)
{
  Unit finest = self->unit != NO_UNIT ? self->unit : DAY;

  if (rule->len > 0)
    g_string_append_c (rule, ' ');
  if (unit < finest)
    g_string_append_printf (rule, "%u", at);
  else if (unit == self->unit && self->every > 1)
    g_string_append_printf (rule, "*/%u", self->every);
  else
    g_string_append_c (rule, '*');
}

static char *
rule_of (const Reading *self)
{
  GString *rule = g_string_new (NULL);

  add_field (rule, self, SECOND, self->second);
  add_field (rule, self, MINUTE, self->minute);
  add_field (rule, self, HOUR, self->hour);
  add_field (rule, self, DAY, 0);
  g_string_append (rule, " * ");
  if (self->days == 0 || self->days == EVERY_DAY)
    g_string_append_c (rule, '*');
  else
    for (guint i = 0, n = 0; i < 7; i++)
      if ((self->days & 1u << i) != 0)
        g_string_append_printf (rule, "%s%u", n++ > 0 ? "," : "", i);
  return g_string_free (rule, FALSE);
}

/* (transfer full): in lower case, without commas and what is between two blanks. */
static char **
words_of (const char *text)
{
  g_autofree char *lower = g_strdelimit (g_ascii_strdown (text, -1), ",\t\r\n", ' ');
  g_auto (GStrv) parts = g_strsplit (lower, " ", -1);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_ptr_array_add (words, g_strdup (parts[i]));
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

/**
 * elves_qbasecron_later_to_rule:
 *
 * Returns: (transfer full) (nullable): the rule
 */
char *
elves_qbasecron_later_to_rule (const char *text, GError **error)
{
  g_auto (GStrv) words = strlen (text) <= TEXT_LIMIT_BYTES ? words_of (text) : g_new0 (char *, 1);
  Reading reading = { .words = words, .unit = NO_UNIT };

  if (read_all (&reading))
    return rule_of (&reading);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "later: at \"%s\": expected %s",
               peek (&reading), reading.expected);
  return NULL;
}
