/* What workers print, and what becomes of it. */
#include "agent/output.h"

#include "common/error.h"

#include <signal.h>
#include <string.h>

#define LIMIT_BYTES 100
#define F(text) "<ElvesWFlag>" text "</ElvesWFlag>"
#define R(text) "<ElvesWResult>" text "</ElvesWResult>"
#define FLAG_ERROR "app output flag error : "
#define RESULT_ERROR "app output result error : "

typedef struct
{
  const char *name, *output;
  gint32 flag;
  const char *result;
} OutputCase;

static const OutputCase output_cases[] = {
  { "flag first", F ("true") R ("yes"), 1, "yes" },
  { "result first", R ("yes") F ("true"), 1, "yes" },
  { "false", F ("false") R ("no"), 0, "no" },
  { "noise", "a < b\n" F ("true") "\nx\n" R ("yes") "\nbye\n", 1, "yes" },
  { "noise, result first", "a\n" R ("yes") "\nx\n" F ("true") "\nbye\n", 1, "yes" },
  { "lines and blanks kept", F ("true") R ("\n a\r\n\tb \n"), 1, "\n a\r\n\tb \n" },
  { "empty result", F ("true") R (""), 1, "" },
  { "True", F ("True") R ("x"), 1, "x" },
  { "TRUE with blanks", F (" \nTRUE\t") R ("x"), 1, "x" },
  { "empty flag", F ("") R ("x"), 0, "x" },
  { "other flag", F ("1") R ("x"), 0, "x" },
  { "truely", F ("truely") R ("x"), 0, "x" },
  { "result holds close of flag", F ("true") R ("a</ElvesWFlag>b"), 1, "a</ElvesWFlag>b" },
  { "result holds a flag", F ("true") R ("a" F ("false")), 1, "a" F ("false") },
  { "result holds a flag, first", R ("a" F ("false") "b") F ("true"), 1, "a" F ("false") "b" },
  { "result holds close", F ("true") R ("a</ElvesWResult>b"), 1, "a</ElvesWResult>b" },
  { "result holds close, first", R ("a</ElvesWResult>b") F ("true"), 1, "a</ElvesWResult>b" },
  { "result holds result", F ("true") R ("a" R ("b") "c"), 1, "a" R ("b") "c" },
  { "twice", F ("true") R ("1st") "\n" F ("false") R ("2nd") "\n", 1, "1st" },
  { "twice, result first", R ("1st") "\n" F ("true") "\n" R ("2nd") "\n" F ("false"), 1, "1st" },
  { "thrice", F ("true") R ("1") F ("false") R ("2") F ("false") R ("3"), 1, "1" },
  { "second not complete", F ("true") R ("1") F ("false") "<ElvesWResult>2", 1, "1" },
  { "flag twice", F ("true") F ("false") R ("x"), 1, "x" },
  { "flag around", F ("true") R ("x") F ("false"), 1, "x" },
  { "broken flag, then a whole", "<ElvesWFlag>" F ("true") R ("x"), 1, "x" },
  { "no flag", R ("x"), -1, FLAG_ERROR R ("x") },
  { "flag only inside", R ("x" F ("true")), -1, FLAG_ERROR R ("x" F ("true")) },
  { "flag not closed", "<ElvesWFlag>true" R ("x"), -1, FLAG_ERROR "<ElvesWFlag>true" R ("x") },
  { "flag of the book", "<ElvesWFlag>true</ElvesWflag>" R ("x"), -1,
    FLAG_ERROR "<ElvesWFlag>true</ElvesWflag>" R ("x") },
  { "no result", F ("true") "x", -1, RESULT_ERROR F ("true") "x" },
  { "result not closed", F ("true") "<ElvesWResult>x", -1,
    RESULT_ERROR F ("true") "<ElvesWResult>x" },
  { "result closed before", "</ElvesWResult>" F ("true") "<ElvesWResult>", -1,
    RESULT_ERROR "</ElvesWResult>" F ("true") "<ElvesWResult>" },
  { "tags in lower case", "<elveswflag>true</elveswflag>", -1,
    FLAG_ERROR "<elveswflag>true</elveswflag>" },
  { "no markers", "hello\n", -1, FLAG_ERROR "hello\n" },
  { "nothing", "", -1, FLAG_ERROR },
  { "not UTF-8", F ("true") R ("a\377b"), 1, "a\357\277\275b" },
};

static void
judge (ElvesRunResult *run,
       const void *output,
       gsize length,
       const char *error_output,
       gboolean program,
       ElvesVerdict *out)
{
  g_autoptr (GBytes) bytes = g_bytes_new (output, length);
  g_autoptr (GBytes) error_bytes = g_bytes_new (error_output, strlen (error_output));
  run->output = bytes;
  run->error_output = error_bytes;
  if (run->output_bytes == 0)
    run->output_bytes = length;
  elves_output_judge (run, program, LIMIT_BYTES, out);
}

static void
assert_verdict (const char *name, const ElvesVerdict *verdict, gint32 flag, const char *result)
{
  gsize length;
  const char *bytes = g_bytes_get_data (verdict->result, &length);
  g_autofree char *text = g_strndup (bytes, length);
  g_test_message ("%s: %d %s", name, verdict->flag, text);
  g_assert_cmpstr (text, ==, result);
  g_assert_cmpint (verdict->flag, ==, flag);
}

static void
test_markers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (output_cases); i++)
    {
      const OutputCase *wanted = &output_cases[i];
      g_auto (ElvesVerdict) verdict = { 0 };
      ElvesRunResult run = { .end = ELVES_RUN_EXITED };
      judge (&run, wanted->output, strlen (wanted->output), "", FALSE, &verdict);
      assert_verdict (wanted->name, &verdict, wanted->flag, wanted->result);
      g_assert_cmpint (verdict.reason, ==,
                       wanted->flag < 0 ? ELVES_REASON_BAD_OUTPUT : ELVES_REASON_NONE);
      g_assert_false (verdict.cut);
    }
}

/* Each of these, taken for a program, is judged by its markers all the same, or is the result. */
static void
test_program (void)
{
  static const OutputCase cases[] = {
    { "plain", "hello\n", 1, "hello\n" },
    { "silent", "", 1, "" },
    { "marked", F ("false") R ("no"), 0, "no" },
    { "half marked", R ("no"), -1, FLAG_ERROR R ("no") },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (ElvesVerdict) verdict = { 0 };
      ElvesRunResult run = { .end = ELVES_RUN_EXITED };
      judge (&run, cases[i].output, strlen (cases[i].output), "log", TRUE, &verdict);
      assert_verdict (cases[i].name, &verdict, cases[i].flag, cases[i].result);
    }
}

typedef struct
{
  const char *name;
  ElvesRunEnd end;
  int status;
  const char *output, *error_output;
  ElvesReason reason;
  const char *result;
} FailureCase;

static const FailureCase failure_cases[] = {
  { "exit", ELVES_RUN_EXITED, 3, "", "", ELVES_REASON_EXIT_STATUS,
    "app exec error : exit status 3" },
  { "exit with markers", ELVES_RUN_EXITED, 3, F ("true") R ("x"), "oh\n", ELVES_REASON_EXIT_STATUS,
    "app exec error : exit status 3\n[stdout]\n" F ("true") R ("x") "\n[stderr]\noh" },
  { "signal", ELVES_RUN_SIGNALLED, SIGSEGV, "", "", ELVES_REASON_SIGNAL,
    "app exec error : signal: segmentation fault" },
  { "kill", ELVES_RUN_SIGNALLED, SIGKILL, "", "bad \377", ELVES_REASON_SIGNAL,
    "app exec error : signal: killed\n[stderr]\nbad \357\277\275" },
  { "unknown signal", ELVES_RUN_SIGNALLED, 50, "", "", ELVES_REASON_SIGNAL,
    "app exec error : signal: signal 50" },
  { "timeout", ELVES_RUN_TIMED_OUT, 0, "x", "y", ELVES_REASON_TIMEOUT, "app exec timeout" },
  { "cancelled", ELVES_RUN_CANCELLED, 0, "x", "y", ELVES_REASON_CANCELLED, "app exec cancelled" },
};

static void
test_failures (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (failure_cases); i++)
    {
      const FailureCase *wanted = &failure_cases[i];
      g_auto (ElvesVerdict) verdict = { 0 };
      ElvesRunResult run = { .end = wanted->end, .status = wanted->status };
      judge (&run, wanted->output, strlen (wanted->output), wanted->error_output, TRUE, &verdict);
      assert_verdict (wanted->name, &verdict, -1, wanted->result);
      g_assert_cmpint (verdict.reason, ==, wanted->reason);
    }
}

static void
test_not_started (void)
{
  static const struct
  {
    int code;
    ElvesReason reason;
  } cases[] = {
    { ELVES_ERROR_NOT_FOUND, ELVES_REASON_WORKER_MISSING },
    { ELVES_ERROR_UNAVAILABLE, ELVES_REASON_SPAWN_FAILED },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (ElvesVerdict) verdict = { 0 };
      g_autoptr (GError) error =
          g_error_new_literal (ELVES_ERROR, cases[i].code, "fork/exec /x: it is so");
      ElvesRunResult run = { .end = ELVES_RUN_NOT_STARTED, .error = error };
      judge (&run, "", 0, "", TRUE, &verdict);
      assert_verdict ("not started", &verdict, -1, "app exec error : fork/exec /x: it is so");
      g_assert_cmpint (verdict.reason, ==, cases[i].reason);
    }
}

/* The worker wrote more than was kept. */
static void
test_cut_output (void)
{
  static const OutputCase cases[] = {
    { "result open", F ("true") "<ElvesWResult>abc", 1, "abc\n[cut: 3 of 5000 bytes]" },
    { "plain", "abc", 1, "abc\n[cut: 3 of 5000 bytes]" },
    { "flag not reached", "<ElvesWResult>abc", -1,
      FLAG_ERROR "<ElvesWResult>abc\n[cut: 17 of 5000 bytes]" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (ElvesVerdict) verdict = { 0 };
      ElvesRunResult run = { .end = ELVES_RUN_EXITED, .output_bytes = 5000 };
      judge (&run, cases[i].output, strlen (cases[i].output), "", TRUE, &verdict);
      assert_verdict (cases[i].name, &verdict, cases[i].flag, cases[i].result);
      g_assert_true (verdict.cut);
      g_assert_cmpint (verdict.reason, ==,
                       cases[i].flag < 0 ? ELVES_REASON_TOO_LARGE : ELVES_REASON_NONE);
    }
}

/* All was kept, but it is over the limit: also when it grows by being made clean. */
static void
test_result_over_limit (void)
{
  char bytes[LIMIT_BYTES];
  memset (bytes, 0xff, sizeof bytes);
  g_auto (ElvesVerdict) verdict = { 0 };
  ElvesRunResult run = { .end = ELVES_RUN_EXITED };
  judge (&run, bytes, sizeof bytes, "", TRUE, &verdict);
  gsize length;
  const char *result = g_bytes_get_data (verdict.result, &length);
  g_assert_true (verdict.cut);
  g_assert_cmpuint (length, <=, LIMIT_BYTES + 40);
  g_assert_true (g_utf8_validate (result, length, NULL));
  g_assert_nonnull (g_strrstr_len (result, length, "\n[cut: 99 of 100 bytes]"));
}

static void
test_long_diagnosis (void)
{
  g_autofree char *text = g_strnfill (10000, 'x');
  memcpy (text + 9996, "end\n", 4);
  g_auto (ElvesVerdict) verdict = { 0 };
  ElvesRunResult run = { .end = ELVES_RUN_EXITED, .status = 1 };
  judge (&run, "", 0, text, FALSE, &verdict);
  gsize length;
  const char *result = g_bytes_get_data (verdict.result, &length);
  g_assert_cmpuint (length, <, 4200);
  g_assert_true (g_str_has_prefix (result, "app exec error : exit status 1\n[stderr] ...\nxxx"));
  g_assert_cmpmem (result + length - 4, 4, "xend", 4);
}

/* Under AddressSanitizer memmem() looks at all the rest each time. */
#ifdef __SANITIZE_ADDRESS__
#define MANY_TAGS_BYTES (50 * 1000)
#else
#define MANY_TAGS_BYTES (1000 * 1000)
#endif

/* A megabyte of tags is judged in time that grows with their number, not with its square. */
static void
test_many_tags (void)
{
  static const char *const pieces[] = { "<ElvesWFlag>",    F ("true"),         R ("x"),
                                        "</ElvesWResult>", R ("x") F ("true"), "<ElvesWResult>" };
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GString) output = g_string_new (i % 2 == 0 ? "" : F ("true") "<ElvesWResult>");
      while (output->len < MANY_TAGS_BYTES)
        g_string_append (output, pieces[i]);
      g_auto (ElvesVerdict) verdict = { 0 };
      ElvesRunResult run = { .end = ELVES_RUN_EXITED };
      gint64 begun_us = g_get_monotonic_time ();
      judge (&run, output->str, output->len, "", FALSE, &verdict);
      g_assert_cmpint (g_get_monotonic_time () - begun_us, <, 10 * G_USEC_PER_SEC);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/output/markers", test_markers);
  g_test_add_func ("/output/program", test_program);
  g_test_add_func ("/output/failures", test_failures);
  g_test_add_func ("/output/not-started", test_not_started);
  g_test_add_func ("/output/cut-output", test_cut_output);
  g_test_add_func ("/output/result-over-limit", test_result_over_limit);
  g_test_add_func ("/output/long-diagnosis", test_long_diagnosis);
  g_test_add_func ("/output/many-tags", test_many_tags);
  return g_test_run ();
}
