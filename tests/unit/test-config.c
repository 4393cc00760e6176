/* Option tables: types, ranges, the order of the sources, and what an operator is told. */

#include "common/config.h"
#include "common/error.h"
#include "common/option.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  char *name, *password;
  guint port;
  guint64 size;
  gboolean on;
  int mode, registry;
  GHashTable *user, *limit;
} Target;

static const char *const modes[] = { "fast", "safe", NULL };

#define OFFSET(field) G_STRUCT_OFFSET (Target, field)
static const ElvesOption table[] = {
  { "mq.name", ELVES_OPTION_STRING, OFFSET (name), .flags = ELVES_OPTION_REQUIRED,
    .help = "who we are" },
  { "mq.password", ELVES_OPTION_SECRET, OFFSET (password), "" },
  { "mq.port", ELVES_OPTION_UINT, OFFSET (port), "5672", 1, 65535 },
  { "mq.maxSize", ELVES_OPTION_UINT64, OFFSET (size), "16", 1, 1 << 20, "bytes" },
  { "mq.on", ELVES_OPTION_BOOL, OFFSET (on), "false" },
  { "mq.mode", ELVES_OPTION_CHOICE, OFFSET (mode), "safe", .choices = modes },
  { "zookeeper.enabled", ELVES_OPTION_SWITCH, OFFSET (registry) },
  { "app.*.user", ELVES_OPTION_MAP, OFFSET (user) },
  { "app.*.limit", ELVES_OPTION_MAP, OFFSET (limit), NULL, 1, 10 },
  { "old.key", ELVES_OPTION_STRING, .flags = ELVES_OPTION_IGNORED },
  { NULL }
};

/* Loads @text from a file; the message of an error has the file's name replaced by FILE. */
static gboolean
load_text (const char *text,
           const char *const *environment,
           const char *const *overrides,
           gboolean ignore_unknown,
           Target *target,
           char **out_message)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("elves-test-XXXXXX", &path, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));

  memset (target, 0, sizeof *target);
  gboolean ok =
      elves_config_load (table, target, path, environment, overrides, ignore_unknown, &error);
  g_unlink (path);
  g_assert_cmpint (ok, ==, error == NULL);
  *out_message = NULL;
  if (error)
    {
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_auto (GStrv) parts = g_strsplit (error->message, path, -1);
      *out_message = g_strjoinv ("FILE", parts);
    }
  return ok;
}

static void
test_defaults (void)
{
  Target target;
  g_autofree char *message = NULL;
  g_assert_true (load_text ("mq.name = x \n", NULL, NULL, FALSE, &target, &message));
  g_assert_cmpstr (target.name, ==, "x");
  g_assert_cmpstr (target.password, ==, "");
  g_assert_cmpuint (target.port, ==, 5672);
  g_assert_cmpuint (target.size, ==, 16);
  g_assert_false (target.on);
  g_assert_cmpint (target.mode, ==, 1);
  g_assert_cmpint (target.registry, ==, -1);
  g_assert_cmpuint (g_hash_table_size (target.user), ==, 0);
  elves_config_clear (table, &target);
  g_assert_null (target.name);
  g_assert_null (target.user);
  elves_config_clear (table, &target);
}

static void
test_all_types (void)
{
  Target target;
  g_autofree char *message = NULL;
  g_assert_true (
      load_text ("mq.name=x\nmq.password=\\ a b  \nmq.port = 65535 \nmq.maxSize=1048576\n"
                 "mq.on=TRUE\nmq.mode=Fast\nzookeeper.enabled=True\n"
                 "app.web.user = www \napp.a.b.user=ab\napp.web.limit=10\nold.key=7\n",
                 NULL, NULL, FALSE, &target, &message));
  g_assert_cmpstr (target.password, ==, " a b  ");
  g_assert_cmpuint (target.port, ==, 65535);
  g_assert_cmpuint (target.size, ==, 1048576);
  g_assert_true (target.on);
  g_assert_cmpint (target.mode, ==, 0);
  g_assert_cmpint (target.registry, ==, 1);
  g_assert_cmpstr (g_hash_table_lookup (target.user, "web"), ==, "www");
  g_assert_cmpstr (g_hash_table_lookup (target.user, "a.b"), ==, "ab");
  g_assert_cmpstr (g_hash_table_lookup (target.limit, "web"), ==, "10");
  elves_config_clear (table, &target);
}

static void
test_order_of_sources (void)
{
  static const char *const environment[] = { "ELVES_MQ_PORT=2", "ELVES_MQ_MAXSIZE=2",
                                             "ELVES_ZOOKEEPER_ENABLED=", "OTHER=1", NULL };
  static const char *const overrides[] = { "mq.maxSize=3", "mq.maxSize=4", "app.web.user=root",
                                           "mq.password=a=b", NULL };
  Target target;
  g_autofree char *message = NULL;
  g_assert_true (load_text ("mq.name=x\nmq.port=1\nmq.maxSize=1\nzookeeper.enabled=true\napp.web."
                            "user=www\napp.db.user=d\n",
                            environment, overrides, FALSE, &target, &message));
  g_assert_cmpuint (target.port, ==, 2);
  g_assert_cmpuint (target.size, ==, 4);
  g_assert_cmpint (target.registry, ==, 0); /* an empty variable counts as given */
  g_assert_cmpstr (target.password, ==, "a=b");
  g_assert_cmpstr (g_hash_table_lookup (target.user, "web"), ==, "root");
  g_assert_cmpstr (g_hash_table_lookup (target.user, "db"), ==, "d");
  elves_config_clear (table, &target);
}

static void
test_messages (void)
{
  static const struct
  {
    const char *text, *environment, *override, *message;
  } cases[] = {
    { "", NULL, NULL, "FILE: mq.name is missing (who we are)" },
    { "mq.name=", NULL, NULL, "FILE:1: mq.name: must not be empty" },
    { "mq.name=x\n\nmq.port=56x2", NULL, NULL,
      "FILE:3: mq.port: \"56x2\" is not a whole number (expected 1 to 65535)" },
    { "mq.name=x\nmq.port=0", NULL, NULL,
      "FILE:2: mq.port: \"0\" is out of range (expected 1 to 65535)" },
    { "mq.maxSize=99999999999999999999", NULL, NULL,
      "FILE:1: mq.maxSize: \"99999999999999999999\" is out of range (expected 1 to 1048576 "
      "bytes)" },
    { "mq.port=-1", NULL, NULL,
      "FILE:1: mq.port: \"-1\" is not a whole number (expected 1 to 65535)" },
    { "mq.port=", NULL, NULL, "FILE:1: mq.port: \"\" is not a whole number (expected 1 to 65535)" },
    { "mq.on=yes", NULL, NULL, "FILE:1: mq.on: \"yes\" is not known (expected false or true)" },
    { "mq.mode=slow", NULL, NULL,
      "FILE:1: mq.mode: \"slow\" is not known (expected fast or safe)" },
    { "app.web.limit=11", NULL, NULL,
      "FILE:1: app.web.limit: \"11\" is out of range (expected 1 to 10)" },
    { "mq.prot=1", NULL, NULL, "FILE:1: mq.prot: there is no such key (did you mean mq.port?)" },
    { "mq.maxsize=1", NULL, NULL,
      "FILE:1: mq.maxsize: there is no such key (did you mean mq.maxSize?)" },
    { "app..user=x", NULL, NULL,
      "FILE:1: app..user: there is no such key (did you mean app.*.user?)" },
    { "something=1", NULL, NULL, "FILE:1: something: there is no such key" },
    { "=1", NULL, NULL, "FILE:1: : there is no such key" },
    { "mq.port=1\nmq.name=x\nmq.port=2", NULL, NULL,
      "FILE:3: mq.port: line 1 gives another value for this key" },
    { "a=\\u1", NULL, NULL, "FILE:1: \\u needs four hex digits that name a character" },
    { "mq.name=x", "ELVES_MQ_PORT=x", NULL,
      "environment ELVES_MQ_PORT: mq.port: \"x\" is not a whole number (expected 1 to 65535)" },
    { "mq.name=x", NULL, "mq.port", "command line: \"mq.port\" is not KEY=VALUE" },
    { "mq.name=x", NULL, "mq.ort=1",
      "command line: mq.ort: there is no such key (did you mean mq.port?)" },
    { "mq.port=x", "ELVES_MQ_PORT=1", NULL,
      "FILE:1: mq.port: \"x\" is not a whole number (expected 1 to 65535)" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const environment[] = { cases[i].environment, NULL };
      const char *const overrides[] = { cases[i].override, NULL };
      static const Target untouched = { 0 };
      Target target;
      g_autofree char *message = NULL;
      g_assert_false (load_text (cases[i].text, environment, overrides, FALSE, &target, &message));
      g_assert_cmpstr (message, ==, cases[i].message);
      g_assert_cmpmem (&target, sizeof target, &untouched, sizeof untouched);
    }
}

static void
test_same_value_twice (void)
{
  Target target;
  g_autofree char *message = NULL;
  g_assert_true (
      load_text ("mq.name=x\nmq.port=1\nmq.port=1\n", NULL, NULL, FALSE, &target, &message));
  g_assert_cmpuint (target.port, ==, 1);
  elves_config_clear (table, &target);
}

static void
test_ignore_unknown (void)
{
  static const char *const overrides[] = { "nobody.knows=1", NULL };
  Target target;
  g_autofree char *message = NULL;
  g_assert_true (
      load_text ("mq.name=x\nno.key=1\nno.key=2\n", NULL, overrides, TRUE, &target, &message));
  elves_config_clear (table, &target);
  g_assert_false (load_text ("mq.name=x\nmq.port=x", NULL, NULL, TRUE, &target, &message));
}

static void
test_no_file (void)
{
  static const char *const overrides[] = { "mq.name=x", NULL };
  Target target = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_true (elves_config_load (table, &target, NULL, NULL, overrides, FALSE, &error));
  g_assert_cmpstr (target.name, ==, "x");
  elves_config_clear (table, &target);

  g_assert_false (elves_config_load (table, &target, "/no/such/file", NULL, NULL, FALSE, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
  g_assert_cmpstr (error->message, ==, "/no/such/file: No such file or directory");
  g_clear_error (&error);

  g_assert_false (elves_config_load (table, &target, "/", NULL, NULL, FALSE, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
}

static void
test_environment_name (void)
{
  static const ElvesOption option = { "zookeeper.outTime" };
  g_autofree char *name = elves_option_environment_name (&option);
  g_assert_cmpstr (name, ==, "ELVES_ZOOKEEPER_OUTTIME");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/defaults", test_defaults);
  g_test_add_func ("/config/all-types", test_all_types);
  g_test_add_func ("/config/order-of-sources", test_order_of_sources);
  g_test_add_func ("/config/messages", test_messages);
  g_test_add_func ("/config/same-value-twice", test_same_value_twice);
  g_test_add_func ("/config/ignore-unknown", test_ignore_unknown);
  g_test_add_func ("/config/no-file", test_no_file);
  g_test_add_func ("/config/environment-name", test_environment_name);
  return g_test_run ();
}
