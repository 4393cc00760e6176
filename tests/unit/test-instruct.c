/* The values of the Thrift interface: defaults, independence of copies, reference counts. */
#include "common/instruct.h"

#include <string.h>

static void
assert_empty (GBytes *bytes)
{
  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
}

static void
test_new (void)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  const char *texts[] = { instruct->id,  instruct->ip,   instruct->type, instruct->mode,
                          instruct->app, instruct->func, instruct->proxy };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpstr (texts[i], ==, "");
  assert_empty (instruct->param);
  g_assert_cmpint (instruct->timeout_s, ==, 0);
  g_assert_null (instruct->execution);
  g_assert_null (instruct->origin);
}

static void
test_set (void)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->app, "testApp");
  g_assert_cmpstr (instruct->app, ==, "testApp");
  elves_instruct_set (&instruct->app, instruct->app + 4);
  g_assert_cmpstr (instruct->app, ==, "App");
  elves_instruct_set (&instruct->app, NULL);
  g_assert_cmpstr (instruct->app, ==, "");
  elves_instruct_set (&instruct->execution, "e");
  g_assert_cmpstr (instruct->execution, ==, "e");
}

static ElvesInstruct *
make_instruct (void)
{
  ElvesInstruct *instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->id, "id");
  elves_instruct_set (&instruct->ip, "ip");
  elves_instruct_set (&instruct->type, "type");
  elves_instruct_set (&instruct->mode, "mode");
  elves_instruct_set (&instruct->app, "app");
  elves_instruct_set (&instruct->func, "func");
  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new ("a\0b", 3);
  instruct->timeout_s = 7;
  elves_instruct_set (&instruct->proxy, "proxy");
  elves_instruct_set (&instruct->execution, "execution");
  elves_instruct_set (&instruct->origin, "origin");
  instruct->seen_within_s = 60;
  instruct->query_only = TRUE;
  instruct->held = TRUE;
  return instruct;
}

static void
test_copy (void)
{
  ElvesInstruct *original = make_instruct ();
  g_autoptr (ElvesInstruct) copy = elves_instruct_copy (original);
  elves_instruct_set (&original->id, "other");
  elves_instruct_unref (original);

  g_assert_cmpstr (copy->id, ==, "id");
  g_assert_cmpstr (copy->ip, ==, "ip");
  g_assert_cmpstr (copy->type, ==, "type");
  g_assert_cmpstr (copy->mode, ==, "mode");
  g_assert_cmpstr (copy->app, ==, "app");
  g_assert_cmpstr (copy->func, ==, "func");
  g_assert_cmpmem (g_bytes_get_data (copy->param, NULL), g_bytes_get_size (copy->param), "a\0b", 3);
  g_assert_cmpint (copy->timeout_s, ==, 7);
  g_assert_cmpstr (copy->proxy, ==, "proxy");
  g_assert_cmpstr (copy->execution, ==, "execution");
  g_assert_cmpstr (copy->origin, ==, "origin");
  g_assert_cmpint (copy->seen_within_s, ==, 60);
  g_assert_true (copy->query_only);
  g_assert_true (copy->held);
}

static void
test_copy_of_defaults (void)
{
  g_autoptr (ElvesInstruct) original = elves_instruct_new ();
  g_autoptr (ElvesInstruct) copy = elves_instruct_copy (original);
  g_assert_null (copy->execution);
  g_assert_null (copy->origin);
  assert_empty (copy->param);
}

static void
test_answer (void)
{
  ElvesInstruct *instruct = make_instruct ();
  g_autoptr (ElvesReinstruct) answer = elves_reinstruct_new (instruct);
  elves_instruct_unref (instruct);

  g_assert_cmpstr (answer->instruct->id, ==, "id");
  g_assert_cmpint (answer->flag, ==, 0);
  g_assert_cmpint (answer->cost_ms, ==, 0);
  g_assert_null (answer->result);
  g_assert_cmpint (answer->state, ==, ELVES_STATE_UNSET);
  g_assert_cmpint (answer->reason, ==, ELVES_REASON_NONE);
  g_assert_cmpint (answer->exit_status, ==, -1);
  g_assert_cmpint (answer->killed, ==, -1);
  g_assert_cmpint (answer->survivors, ==, -1);
  g_assert_cmpint (answer->output_bytes, ==, -1);
  g_assert_false (answer->truncated);

  ElvesReinstruct *again = elves_reinstruct_ref (answer);
  g_assert_true (again == answer);
  elves_reinstruct_unref (again);
  g_assert_cmpstr (answer->instruct->app, ==, "app");
}

static void
test_failure (void)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_autoptr (ElvesReinstruct) answer =
      elves_reinstruct_failure (instruct, ELVES_REASON_TIMEOUT, "too late");
  g_assert_cmpint (answer->flag, ==, -1);
  g_assert_cmpint (answer->reason, ==, ELVES_REASON_TIMEOUT);
  g_assert_cmpmem (g_bytes_get_data (answer->result, NULL), g_bytes_get_size (answer->result),
                   "too late", 8);

  g_autoptr (ElvesReinstruct) silent =
      elves_reinstruct_failure (instruct, ELVES_REASON_SIGNAL, NULL);
  assert_empty (silent->result);
}

static void
test_null (void)
{
  elves_instruct_unref (NULL);
  elves_reinstruct_unref (NULL);
}

static void
test_names (void)
{
  static const struct
  {
    const char *execution, *id, *type;
    gboolean named;
  } cases[] = {
    { "key", "", "", TRUE },        { "key", "other", "other", TRUE },
    { "ke", "id", "queue", FALSE }, { NULL, "id", "queue", TRUE },
    { "", "id", "", TRUE },         { NULL, "id", "cron", FALSE },
    { NULL, "i", "", FALSE },       { NULL, "", "queue", FALSE },
    { NULL, "", "", FALSE },
  };
  g_autoptr (ElvesInstruct) job = elves_instruct_new ();
  elves_instruct_set (&job->id, "id");
  elves_instruct_set (&job->type, "queue");
  job->execution = g_strdup ("key");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesInstruct) question = elves_instruct_new ();
      question->execution = g_strdup (cases[i].execution);
      elves_instruct_set (&question->id, cases[i].id);
      elves_instruct_set (&question->type, cases[i].type);
      g_assert_cmpint (elves_instruct_names (question, job), ==, cases[i].named);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/instruct/new", test_new);
  g_test_add_func ("/instruct/set", test_set);
  g_test_add_func ("/instruct/copy", test_copy);
  g_test_add_func ("/instruct/copy-of-defaults", test_copy_of_defaults);
  g_test_add_func ("/instruct/answer", test_answer);
  g_test_add_func ("/instruct/failure", test_failure);
  g_test_add_func ("/instruct/names", test_names);
  g_test_add_func ("/instruct/null", test_null);
  return g_test_run ();
}
