/* Any output of a warm worker, in pieces of any size: the same lines come of it, none is longer
   than the limit, and what is taken for a line of the protocol has what belongs to it. */

#include "agent/warm-line.h"
#include "agent/warm-pipe.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT_BYTES 512

static void
check_line (const char *text, gsize length)
{
  g_auto (ElvesWarmLine) line = { 0 };
  g_autoptr (GError) error = NULL;
  if (!elves_warm_line_parse (text, length, &line, &error))
    g_assert_nonnull (error);
  else if (line.is_hello)
    g_assert_cmpuint (line.concurrency, >=, 1);
  else
    g_assert_true (line.call >= 1 && line.result != NULL);
}

static gboolean
on_line (const char *text, gsize length, gpointer user_data)
{
  GString *seen = user_data;
  g_assert_cmpuint (length, <=, LIMIT_BYTES);
  check_line (text, length);
  g_string_append_len (seen, text, length);
  g_string_append_c (seen, '\n');
  return TRUE;
}

/* Returns: (transfer full): the lines, until one was too long */
static GString *
lines_of (const uint8_t *data, size_t size, size_t piece)
{
  GString *seen = g_string_new (NULL);
  ElvesWarmLines lines;
  elves_warm_lines_init (&lines, LIMIT_BYTES);
  gboolean more = TRUE;
  for (size_t at = 0; more && at < size; at += piece)
    more = elves_warm_lines_take (&lines, data + at, MIN (piece, size - at), on_line, seen);
  elves_warm_lines_clear (&lines);
  return seen;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2)
    return 0;
  GString *whole = lines_of (data + 1, size - 1, size);
  GString *pieces = lines_of (data + 1, size - 1, 1 + data[0]);
  g_assert_true (g_string_equal (whole, pieces));
  g_string_free (whole, TRUE);
  g_string_free (pieces, TRUE);
  return 0;
}
