/* Names, proxies, and that nothing outside an app's folder can be named. */
#include "agent/apps.h"

#include "common/error.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *root;
  ElvesAgentConfig config;
} Fixture;

static void
write_file (const Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
make_folder (const Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
}

static void
make_fifo (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

static void
make_link (const Fixture *fixture, const char *target, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_assert_cmpint (symlink (target, path), ==, 0);
}

static GHashTable *
new_map (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->root = g_dir_make_tmp ("elves-apps-XXXXXX", NULL);
  g_assert_nonnull (fixture->root);
  fixture->config.apps_dir = g_build_filename (fixture->root, "apps", NULL);
  fixture->config.apps_allowed = (char *) "*";
  fixture->config.worker_python = (char *) "/usr/bin/python3";
  fixture->config.max_running_per_app = 7;
  fixture->config.app_version = new_map ();
  fixture->config.app_user = new_map ();
  fixture->config.app_concurrency = new_map ();

  make_folder (fixture, "apps/demo/bin");
  make_folder (fixture, "apps/bare");
  make_folder (fixture, "apps/elves");
  make_folder (fixture, "apps/demo2");
  make_folder (fixture, "apps/.hidden");
  write_file (fixture, "outside.sh", "");
  write_file (fixture, "apps/demo2/run.sh", "");
  write_file (fixture, "apps/demo/app-worker.py", "");
  write_file (fixture, "apps/demo/run.sh", "");
  write_file (fixture, "apps/demo/bin/tool", "");
  write_file (fixture, "apps/demo/VERSION", "1.2 \nsecond line\n");
  make_fifo (fixture, "apps/bare/VERSION"); /* that nobody ever writes to */
  make_link (fixture, "run.sh", "apps/demo/inside");
  make_link (fixture, "../../outside.sh", "apps/demo/outside");
  make_link (fixture, "../demo2/run.sh", "apps/demo/neighbour");
  make_link (fixture, "demo", "apps/linked");
}

static void
remove_tree (const char *path)
{
  GDir *folder = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  for (const char *name; folder != NULL && (name = g_dir_read_name (folder)) != NULL;)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      remove_tree (child);
    }
  g_clear_pointer (&folder, g_dir_close);
  g_remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->config.apps_dir);
  g_hash_table_unref (fixture->config.app_version);
  g_hash_table_unref (fixture->config.app_user);
  g_hash_table_unref (fixture->config.app_concurrency);
}

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (128, 'a');
  g_autofree char *too_long = g_strnfill (129, 'a');
  const struct
  {
    const char *name;
    gboolean valid;
  } cases[] = {
    { "demo", TRUE }, { "A-b_c.9", TRUE }, { longest, TRUE },     { "", FALSE },
    { ".", FALSE },   { "..", FALSE },     { ".x", FALSE },       { "a/b", FALSE },
    { "a b", FALSE }, { "a\nb", FALSE },   { "\xc3\xa4", FALSE }, { too_long, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].name);
      g_assert_cmpint (elves_app_name_is_valid (cases[i].name), ==, cases[i].valid);
    }
}

typedef struct
{
  const char *proxy;
  const char *program; /* below apps/demo when relative and with_folder */
  gboolean program_in_app;
  const char *file; /* (nullable) below apps/demo */
} GoodProxy;

static const GoodProxy good_proxies[] = {
  { "", "/usr/bin/python3", FALSE, "app-worker.py" },
  { "bash|run.sh", "bash", FALSE, "run.sh" },
  { "/bin/sh|bin/tool", "/bin/sh", FALSE, "bin/tool" },
  { "run.sh", "run.sh", TRUE, NULL },
  { "bin/tool", "bin/tool", TRUE, NULL },
  { "run.sh|a|b", "run.sh", TRUE, NULL },
  { "inside", "inside", TRUE, NULL },
};

static void
test_good_proxies (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ElvesApps) apps = elves_apps_new (&fixture->config);
  for (guint i = 0; i < G_N_ELEMENTS (good_proxies); i++)
    {
      const GoodProxy *expected = &good_proxies[i];
      g_auto (ElvesAppEntry) entry = { NULL };
      ElvesReason reason = ELVES_REASON_NONE;
      g_autoptr (GError) error = NULL;
      g_test_message ("proxy '%s'", expected->proxy);
      g_assert_true (elves_apps_resolve (apps, "demo", expected->proxy, &entry, &reason, &error));
      g_assert_no_error (error);
      g_autofree char *program = expected->program_in_app
                                     ? elves_apps_path (apps, "demo", expected->program)
                                     : g_strdup (expected->program);
      g_autofree char *file =
          expected->file != NULL ? elves_apps_path (apps, "demo", expected->file) : NULL;
      g_assert_cmpstr (entry.program, ==, program);
      g_assert_cmpstr (entry.file, ==, file);
    }
}

typedef struct
{
  const char *app;
  const char *proxy;
  ElvesReason reason;
  const char *text; /* (nullable) ends the message */
} BadRequest;

static const BadRequest bad_requests[] = {
  { "nope", "", ELVES_REASON_APP_MISSING, "app [nope] not install !" },
  { "", "", ELVES_REASON_APP_MISSING, "app [] not install !" },
  { "elves", "run.sh", ELVES_REASON_APP_MISSING, "app [elves] not install !" },
  { "../apps/demo", "", ELVES_REASON_INVALID, NULL },
  { "..", "", ELVES_REASON_INVALID, NULL },
  { ".hidden", "", ELVES_REASON_INVALID, NULL },
  { "bare", "", ELVES_REASON_WORKER_MISSING, "apps/bare/app-worker.py: no such file or directory" },
  { "demo", "bash|gone.sh", ELVES_REASON_WORKER_MISSING, "gone.sh: no such file or directory" },
  { "demo", "|run.sh", ELVES_REASON_WORKER_MISSING, "app exec error : exec: no command" },
  { "demo", "../../outside.sh", ELVES_REASON_INVALID, NULL },
  { "demo", "../demo/run.sh", ELVES_REASON_INVALID, NULL },
  { "demo", "bin/../run.sh", ELVES_REASON_INVALID, NULL },
  { "demo", "bash|../../outside.sh", ELVES_REASON_INVALID, NULL },
  { "demo", "../../../../../../bin/echo", ELVES_REASON_INVALID, NULL },
  { "demo", "/bin/echo", ELVES_REASON_INVALID, NULL },
  { "demo", "bash|/etc/profile", ELVES_REASON_INVALID, NULL },
  { "demo", "../bash|run.sh", ELVES_REASON_INVALID, NULL },
  { "demo", "bash|", ELVES_REASON_INVALID, NULL },
  { "demo", "||", ELVES_REASON_INVALID, NULL },
  { "demo", "run\nsh", ELVES_REASON_INVALID, NULL },
  { "demo", ".", ELVES_REASON_INVALID, NULL },
  { "demo", "outside", ELVES_REASON_INVALID, NULL },
  { "demo", "bash|outside", ELVES_REASON_INVALID, NULL },
  { "demo", "neighbour", ELVES_REASON_INVALID, NULL },
};

static void
test_bad_requests (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ElvesApps) apps = elves_apps_new (&fixture->config);
  for (guint i = 0; i < G_N_ELEMENTS (bad_requests); i++)
    {
      const BadRequest *request = &bad_requests[i];
      g_auto (ElvesAppEntry) entry = { NULL };
      ElvesReason reason = ELVES_REASON_NONE;
      g_autoptr (GError) error = NULL;
      g_test_message ("app '%s' proxy '%s'", request->app, request->proxy);
      g_assert_false (
          elves_apps_resolve (apps, request->app, request->proxy, &entry, &reason, &error));
      g_assert_cmpint (reason, ==, request->reason);
      g_assert_nonnull (error);
      g_assert_null (entry.program);
      if (request->text != NULL)
        g_assert_true (g_str_has_suffix (error->message, request->text));
    }
}

static void
test_list (Fixture *fixture, gconstpointer unused)
{
  g_hash_table_insert (fixture->config.app_version, g_strdup ("demo2"), g_strdup ("9.1"));
  g_autoptr (ElvesApps) apps = elves_apps_new (&fixture->config);
  g_autoptr (GPtrArray) list = elves_apps_list (apps);
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < list->len; i++)
    {
      const ElvesAppInfo *info = list->pdata[i];
      g_string_append_printf (text, "%s=%s;", info->name, info->version);
    }
  g_assert_cmpstr (text->str, ==, "bare=;demo=1.2;demo2=9.1;linked=1.2;");
}

static void
test_allowed (Fixture *fixture, gconstpointer unused)
{
  fixture->config.apps_allowed = (char *) "demo2, bare,nope";
  g_autoptr (ElvesApps) apps = elves_apps_new (&fixture->config);
  g_assert_true (elves_apps_is_installed (apps, "demo2"));
  g_assert_true (elves_apps_is_installed (apps, "bare"));
  g_assert_false (elves_apps_is_installed (apps, "demo"));
  g_assert_false (elves_apps_is_installed (apps, "nope"));
  g_autoptr (GPtrArray) list = elves_apps_list (apps);
  g_assert_cmpuint (list->len, ==, 2);
}

static void
test_settings (Fixture *fixture, gconstpointer unused)
{
  g_hash_table_insert (fixture->config.app_concurrency, g_strdup ("demo"), g_strdup ("3"));
  g_hash_table_insert (fixture->config.app_user, g_strdup ("demo"), g_strdup ("nobody"));
  g_autoptr (ElvesApps) apps = elves_apps_new (&fixture->config);
  g_assert_cmpuint (elves_apps_concurrency (apps, "demo"), ==, 3);
  g_assert_cmpuint (elves_apps_concurrency (apps, "demo2"), ==, 7);
  g_assert_cmpstr (elves_apps_user (apps, "demo"), ==, "nobody");
  g_assert_null (elves_apps_user (apps, "demo2"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/apps/names", test_names);
  g_test_add ("/agent/apps/good-proxies", Fixture, NULL, set_up, test_good_proxies, tear_down);
  g_test_add ("/agent/apps/bad-requests", Fixture, NULL, set_up, test_bad_requests, tear_down);
  g_test_add ("/agent/apps/list", Fixture, NULL, set_up, test_list, tear_down);
  g_test_add ("/agent/apps/allowed", Fixture, NULL, set_up, test_allowed, tear_down);
  g_test_add ("/agent/apps/settings", Fixture, NULL, set_up, test_settings, tear_down);
  return g_test_run ();
}
