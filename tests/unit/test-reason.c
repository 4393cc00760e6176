/* Reasons and their texts, and which errors are worth another try. */

#include "common/error.h"
#include "common/reason.h"

#include <gio/gio.h>

static void
test_every_reason_comes_back (void)
{
  g_assert_cmpstr (elves_reason_text (ELVES_REASON_NONE), ==, "");
  for (int reason = ELVES_REASON_NONE + 1; reason < ELVES_N_REASONS; reason++)
    {
      const char *text = elves_reason_text ((ElvesReason) reason);
      g_assert_cmpstr (text, !=, "");
      g_assert_cmpint (elves_reason_from_text (text), ==, reason);
    }
}

static void
test_wire_texts (void)
{
  g_assert_cmpstr (elves_reason_text (ELVES_REASON_NOT_REGISTERED), ==, "not-registered");
  g_assert_cmpstr (elves_reason_text (ELVES_REASON_OUTCOME_UNKNOWN), ==, "outcome-unknown");
  g_assert_cmpstr (elves_reason_text (ELVES_REASON_BUSY), ==, "busy");
  g_assert_cmpstr (elves_reason_text (ELVES_REASON_INVALID), ==, "invalid");
}

static void
test_unknown (void)
{
  g_assert_cmpint (elves_reason_from_text (NULL), ==, ELVES_REASON_NONE);
  g_assert_cmpint (elves_reason_from_text (""), ==, ELVES_REASON_NONE);
  g_assert_cmpint (elves_reason_from_text ("Timeout"), ==, ELVES_REASON_NONE);
  g_assert_cmpint (elves_reason_from_text ("from-the-future"), ==, ELVES_REASON_NONE);
  g_assert_cmpstr (elves_reason_text (ELVES_N_REASONS), ==, "");
  g_assert_cmpstr (elves_reason_text ((ElvesReason) -1), ==, "");
}

static void
test_transient (void)
{
  const struct
  {
    GQuark domain;
    int code;
    gboolean expected;
  } cases[] = {
    { ELVES_ERROR, ELVES_ERROR_INVALID, FALSE },
    { ELVES_ERROR, ELVES_ERROR_NOT_FOUND, FALSE },
    { ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, TRUE },
    { ELVES_ERROR, ELVES_ERROR_REFUSED, FALSE },
    { ELVES_ERROR, ELVES_ERROR_TIMEOUT, TRUE },
    { ELVES_ERROR, ELVES_ERROR_BUSY, TRUE },
    { ELVES_ERROR, ELVES_ERROR_PROTOCOL, FALSE },
    { ELVES_ERROR, ELVES_ERROR_CONFIG, FALSE },
    { ELVES_ERROR, ELVES_ERROR_INTERNAL, FALSE },
    { G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, TRUE },
    { G_IO_ERROR, G_IO_ERROR_TIMED_OUT, TRUE },
    { G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, FALSE },
    { G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, TRUE },
    { G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, FALSE },
    { G_FILE_ERROR, G_FILE_ERROR_AGAIN, FALSE },
  };

  g_assert_false (elves_error_is_transient (NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (cases[i].domain, cases[i].code, "x");
      g_assert_cmpint (elves_error_is_transient (error), ==, cases[i].expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reason/round-trip", test_every_reason_comes_back);
  g_test_add_func ("/reason/wire-texts", test_wire_texts);
  g_test_add_func ("/reason/unknown", test_unknown);
  g_test_add_func ("/error/transient", test_transient);
  return g_test_run ();
}
