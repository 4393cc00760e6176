/* Labels, and expressions over them. */
#include "common/error.h"
#include "common/selector.h"

#include <string.h>

static void
test_labels (void)
{
  static const struct
  {
    const char *text;
    const char *labels; /* NULL: refused */
  } cases[] = {
    { "", "" },
    { "  ", "" },
    { "role=db", "role\tdb\n" },
    { " role = db , zone=b ", "role\tdb\nzone\tb\n" },
    { "canary", "canary\t\n" },
    { "canary=", "canary\t\n" },
    { "a.b/c-d_e:f@g+h=1.2", "a.b/c-d_e:f@g+h\t1.2\n" },
    { "role=db,role=web", NULL },
    { "role=db,", NULL },
    { ",", NULL },
    { "=db", NULL },
    { "a b=c", NULL },
    { "a=b c", NULL },
    { "a=b=c", NULL },
    { "ip=1", NULL },
    { "version=1", NULL },
    { "type=1", NULL },
    { "app.web=1", NULL },
    { "r\xc3\xb4le=db", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *labels = elves_labels_parse (cases[i].text, &error);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpstr (labels, ==, cases[i].labels);
      if (labels == NULL)
        g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
    }
}

static void
test_labels_limits (void)
{
  g_autoptr (GString) many = g_string_new ("n0=1");
  g_autofree char *name = g_strnfill (63, 'n'), *long_name = g_strnfill (64, 'n');
  g_autofree char *pair = g_strconcat (name, "=", name, NULL);
  g_autofree char *labels = elves_labels_parse (pair, NULL);

  g_assert_nonnull (labels);
  g_assert_null (elves_labels_parse (long_name, NULL));
  for (guint i = 1; i < 64; i++)
    g_string_append_printf (many, ",n%u=1", i);
  g_free (labels);
  labels = elves_labels_parse (many->str, NULL);
  g_assert_nonnull (labels);
  g_string_append (many, ",n64=1");
  g_assert_null (elves_labels_parse (many->str, NULL));
}

static void
test_labels_read (void)
{
  g_autoptr (GString) labels = g_string_new (NULL), json = g_string_new (NULL);
  ElvesLabelText value;

  g_assert_true (elves_labels_add (labels, "rol", "x"));
  g_assert_true (elves_labels_add (labels, "role", "d\"b"));
  g_assert_false (elves_labels_add (labels, "", "x"));
  g_assert_false (elves_labels_add (labels, "a\nb", "x"));
  g_assert_false (elves_labels_add (labels, "a", "x\ty"));
  g_assert_true (elves_labels_find (labels->str, "role", &value));
  g_assert_cmpmem (value.text, value.length, "d\"b", 3);
  g_assert_false (elves_labels_find (labels->str, "ro", &value));
  g_assert_false (elves_labels_find (labels->str, "d\"b", &value));
  g_assert_false (elves_labels_find ("", "role", &value));
  elves_labels_write (json, NULL, labels->str);
  g_assert_cmpstr (json->str, ==, "{\"rol\":\"x\",\"role\":\"d\\\"b\"}");
}

static gboolean
get (gconstpointer subject, const char *name, ElvesLabelText *out_value)
{
  return elves_labels_find (subject, name, out_value);
}

static void
test_matches (void)
{
  static const char labels[] = "role\tdb\nzone\tb\ncanary\t\nip\t10.0.0.7\napp.web\t1.2\n";
  static const struct
  {
    const char *text;
    gboolean matches;
  } cases[] = {
    { "", TRUE },
    { " \t", TRUE },
    { "role=db", TRUE },
    { "role==db", TRUE },
    { " role = db ", TRUE },
    { "role=d", FALSE },
    { "role=dbx", FALSE },
    { "role!=db", FALSE },
    { "role!=web", TRUE },
    { "absent!=web", TRUE },
    { "absent=web", FALSE },
    { "canary", TRUE },
    { "canary=", TRUE },
    { "role=", FALSE },
    { "!canary", FALSE },
    { "! old", TRUE },
    { "old", FALSE },
    { "zone in (a,b)", TRUE },
    { "zone in(b)", TRUE },
    { "zone in ( c , a )", FALSE },
    { "zone notin (a,c)", TRUE },
    { "zone notin (c,b,a)", FALSE },
    { "absent notin (a)", TRUE },
    { "absent in (a)", FALSE },
    { "role=db,zone in (a,b),zone!=c,canary,!old", TRUE },
    { "role=db,zone=a", FALSE },
    { "ip=10.0.0.7", TRUE },
    { "ip in (10.0.0.1,10.0.0.10,10.0.0.7,10.0.0.70)", TRUE },
    { "app.web", TRUE },
    { "app.web=1.2", TRUE },
    { "!app.web", FALSE },
    { "in", FALSE },
    { "in in (in)", FALSE },
    { "inner=1", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ElvesSelector) selector = elves_selector_parse (cases[i].text, &error);

      g_test_message ("%s", cases[i].text);
      g_assert_no_error (error);
      g_assert_cmpint (elves_selector_matches (selector, get, labels), ==, cases[i].matches);
    }
}

static void
test_refused (void)
{
  static const struct
  {
    const char *text, *message;
  } cases[] = {
    { "role=db,", "at 9: expected a name, found the end" },
    { ",role", "at 1: expected a name, found ','" },
    { "!", "at 2: expected a name, found the end" },
    { "!a=b", "at 3: expected ',' or the end, found '='" },
    { "role db", "at 6: expected ',' or the end, found 'd'" },
    { "role notinner", "at 6: expected ',' or the end, found 'n'" },
    { "zone in a", "at 9: expected '(', found 'a'" },
    { "zone in (", "at 10: expected a value, found the end" },
    { "zone in ()", "at 10: expected a value, found ')'" },
    { "zone in (a", "at 11: expected ',' or ')', found the end" },
    { "zone in (a b)", "at 12: expected ',' or ')', found 'b'" },
    { "zone in (a),", "at 13: expected a name, found the end" },
    { "a=b=c", "at 4: expected ',' or the end, found '='" },
    { "a>1", "at 2: expected ',' or the end, found '>'" },
    { "r\xc3\xb4le", "at 2: expected ',' or the end, found '\xc3\xb4'" },
    { "a=\xff", "at 3: expected ',' or the end, found '?'" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", cases[i].text);
      g_assert_null (elves_selector_parse (cases[i].text, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

/* @n times "a", with @between. */
static char *
repeat (const char *begin, guint n, const char *between, const char *end)
{
  GString *text = g_string_new (begin);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%sa%u", i > 0 ? between : "", i);
  g_string_append (text, end);
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  g_autofree char *terms = repeat ("", ELVES_SELECTOR_TERMS_LIMIT, ",", "");
  g_autofree char *more_terms = repeat ("", ELVES_SELECTOR_TERMS_LIMIT + 1, ",", "");
  g_autofree char *values = repeat ("x in (", ELVES_SELECTOR_VALUES_LIMIT, ",", ")");
  g_autofree char *more_values = repeat ("x in (", ELVES_SELECTOR_VALUES_LIMIT + 1, ",", ")");
  g_autofree char *long_text = g_strnfill (ELVES_SELECTOR_LIMIT_BYTES + 1, ' ');
  g_autoptr (ElvesSelector) selector = elves_selector_parse (terms, NULL);

  g_assert_nonnull (selector);
  g_assert_null (elves_selector_parse (more_terms, NULL));
  elves_selector_free (selector);
  selector = elves_selector_parse (values, NULL);
  g_assert_nonnull (selector);
  g_assert_true (elves_selector_matches (selector, get, "x\ta4095\n"));
  g_assert_false (elves_selector_matches (selector, get, "x\ta4096\n"));
  g_assert_null (elves_selector_parse (more_values, NULL));
  g_assert_null (elves_selector_parse (long_text, NULL));
}

/* Any text: understood or refused with a place in it; never anything else. */
static void
test_any_text (void)
{
  static const char signs[] = "ab=!(),in  notin\xc3";
  for (guint round = 0; round < 20000; round++)
    {
      char text[24];
      gsize length = g_test_rand_int_range (0, sizeof text);
      g_autoptr (GError) error = NULL;
      for (gsize i = 0; i < length; i++)
        text[i] = signs[g_test_rand_int_range (0, sizeof signs - 1)];
      text[length] = '\0';
      g_autoptr (ElvesSelector) selector = elves_selector_parse (text, &error);
      if (selector != NULL)
        elves_selector_matches (selector, get, "a\tb\n");
      else
        g_assert_true (g_str_has_prefix (error->message, "at "));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/labels/configured", test_labels);
  g_test_add_func ("/labels/limits", test_labels_limits);
  g_test_add_func ("/labels/read", test_labels_read);
  g_test_add_func ("/selector/matches", test_matches);
  g_test_add_func ("/selector/refused", test_refused);
  g_test_add_func ("/selector/limits", test_limits);
  g_test_add_func ("/selector/any-text", test_any_text);
  return g_test_run ();
}
