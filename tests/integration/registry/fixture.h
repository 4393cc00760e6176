/* What the tests of the registry stand on: the registry under test, another client that looks on,
   and a ZooKeeper that may be killed. */
#pragma once

#include "common/registry-private.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>

#define DEADLINE_MS 20000
#define SESSION_TIMEOUT_MS 4000

typedef struct
{
  char *root;
  zhandle_t *outside; /* another client, looking on */
  ElvesRegistry *registry;
  GPtrArray *announced; /* full paths, in order */
  gboolean connected;
  guint states;
  GHashTable *seen; /* name -> data as text */
  guint sets, gones, completes;
} Fixture;

typedef gboolean (*Condition) (gpointer data);

static gboolean
on_deadline (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the loop until @condition holds; FALSE after the deadline. */
static gboolean
run_until (Condition condition, gpointer data)
{
  gboolean late = FALSE;
  guint timer = g_timeout_add (DEADLINE_MS, on_deadline, &late);
  while (!condition (data) && !late)
    g_main_context_iteration (NULL, TRUE);
  if (!late)
    g_source_remove (timer);
  return !late;
}

#define assert_until(condition, data) \
  g_assert_true (run_until ((Condition) (condition), (gpointer) (data)))

static gboolean
on_tick (gpointer user_data G_GNUC_UNUSED)
{
  return G_SOURCE_CONTINUE;
}

/* The other client */

static void
outside_set (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_strconcat (f->root, "/", name, NULL);
  int length = (int) strlen (text);
  int rc =
      zoo_create (f->outside, path, text, length, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
  if (rc == ZNODEEXISTS)
    rc = zoo_set (f->outside, path, text, length, -1);
  g_assert_cmpint (rc, ==, ZOK);
}

static void
outside_delete (Fixture *f, const char *name)
{
  g_autofree char *path = g_strconcat (f->root, "/", name, NULL);
  g_assert_cmpint (zoo_delete (f->outside, path, -1), ==, ZOK);
}

/* (transfer full) (nullable): the content, or NULL without a node. */
static char *
outside_get (Fixture *f, const char *full_path, gint64 *out_owner)
{
  char buffer[256];
  int length = sizeof buffer - 1;
  struct Stat stat;
  int rc = zoo_get (f->outside, full_path, 0, buffer, &length, &stat);
  if (rc != ZOK)
    return NULL;
  if (out_owner)
    *out_owner = stat.ephemeralOwner;
  return g_strndup (buffer, (gsize) MAX (length, 0));
}

static guint
outside_count (Fixture *f, const char *name)
{
  g_autofree char *path = g_strconcat (f->root, "/", name, NULL);
  struct String_vector strings = { 0, NULL };
  if (zoo_get_children (f->outside, path, 0, &strings) != ZOK)
    return 0;
  guint count = (guint) strings.count;
  deallocate_String_vector (&strings);
  return count;
}

static void
on_outside_changed (zhandle_t *handle G_GNUC_UNUSED,
                    int type,
                    int state,
                    const char *path G_GNUC_UNUSED,
                    void *context)
{
  if (context && type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE)
    g_atomic_int_set ((gint *) context, 1);
}

static zhandle_t *
connect_outside (const clientid_t *id)
{
  static gint connected;
  g_atomic_int_set (&connected, 0);
  zhandle_t *handle =
      zookeeper_init2 (g_getenv ("ELVES_TEST_ZOOKEEPER"), on_outside_changed,
                       SESSION_TIMEOUT_MS * 2, id, &connected, ZOO_NO_LOG_CLIENTENV, NULL);
  g_assert_nonnull (handle);
  for (guint i = 0; !g_atomic_int_get (&connected) && i < DEADLINE_MS * 5; i++)
    g_usleep (200);
  g_assert_true (g_atomic_int_get (&connected));
  return handle;
}

/* The registry under test */

static void
on_state (ElvesRegistry *registry G_GNUC_UNUSED,
          gboolean connected,
          const char *detail,
          gpointer user_data)
{
  Fixture *f = user_data;
  g_assert_nonnull (detail);
  f->connected = connected;
  f->states++;
}

static ElvesRegistry *
new_registry (Fixture *f, const char *hosts)
{
  ElvesRegistrySettings settings = { .hosts = hosts,
                                     .root = f->root,
                                     .session_timeout_ms = SESSION_TIMEOUT_MS,
                                     .retry_first_ms = 50,
                                     .retry_cap_ms = 500 };
  ElvesRegistryCallbacks callbacks = { .state = on_state };
  g_autoptr (GError) error = NULL;
  ElvesRegistry *registry = elves_registry_new (&settings, &callbacks, f, &error);
  g_assert_no_error (error);
  return registry;
}

static void
set_up (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  static guint number;
  zoo_set_debug_level (ZOO_LOG_LEVEL_ERROR);
  f->root = g_strdup_printf ("/test-registry-%08x-%u", g_random_int (), number++);
  f->announced = g_ptr_array_new_with_free_func (g_free);
  f->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  f->outside = connect_outside (NULL);
  f->registry = new_registry (f, g_getenv ("ELVES_TEST_ZOOKEEPER"));
}

static void
tear_down (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  elves_registry_free (f->registry);
  zookeeper_close (f->outside);
  g_hash_table_unref (f->seen);
  g_ptr_array_unref (f->announced);
  g_free (f->root);
}

static void
on_announced (ElvesRegistry *registry G_GNUC_UNUSED, const char *full_path, gpointer user_data)
{
  g_ptr_array_add (((Fixture *) user_data)->announced, g_strdup (full_path));
}

static gboolean
announced_once (Fixture *f)
{
  return f->announced->len >= 1;
}

static gboolean
announced_twice (Fixture *f)
{
  return f->announced->len >= 2;
}

static ElvesAnnouncement *
announce (Fixture *f, const char *path, gboolean sequential, const char *text)
{
  g_autoptr (GBytes) data = g_bytes_new (text, strlen (text));
  return elves_registry_announce (f->registry, path, sequential, data, on_announced, f);
}

static void
on_set (ElvesRegistryTable *table G_GNUC_UNUSED,
        const char *name,
        const guint8 *data,
        gsize length,
        gpointer user_data)
{
  Fixture *f = user_data;
  f->sets++;
  g_hash_table_replace (f->seen, g_strdup (name), g_strndup ((const char *) data, length));
}

static void
on_gone (ElvesRegistryTable *table G_GNUC_UNUSED, const char *name, gpointer user_data)
{
  Fixture *f = user_data;
  f->gones++;
  g_assert_true (g_hash_table_remove (f->seen, name));
}

static void
on_complete (ElvesRegistryTable *table G_GNUC_UNUSED, gpointer user_data)
{
  ((Fixture *) user_data)->completes++;
}

static ElvesRegistryTable *
watch (Fixture *f, ElvesRegistry *registry, const char *path)
{
  ElvesRegistryTableCallbacks callbacks = { .set = on_set,
                                            .gone = on_gone,
                                            .complete = on_complete };
  return elves_registry_watch (registry, path, &callbacks, f);
}

static gboolean
completed_once (Fixture *f)
{
  return f->completes >= 1;
}

static gboolean
completed_twice (Fixture *f)
{
  return f->completes >= 2;
}

typedef struct
{
  Fixture *fixture;
  const char *name;
  const char *text; /* NULL: not there */
} Expected;

static gboolean
is_seen (gpointer data)
{
  Expected *e = data;
  return g_strcmp0 (g_hash_table_lookup (e->fixture->seen, e->name), e->text) == 0;
}

static void
assert_seen (Fixture *f, const char *name, const char *text)
{
  Expected expected = { f, name, text };
  assert_until (is_seen, &expected);
}

typedef struct
{
  Fixture *fixture;
  const char *full_path;
  const char *text;
} Content;

static gboolean
has_content (gpointer data)
{
  Content *c = data;
  g_autofree char *text = outside_get (c->fixture, c->full_path, NULL);
  return g_strcmp0 (text, c->text) == 0;
}

static void
assert_content (Fixture *f, const char *full_path, const char *text)
{
  Content content = { f, full_path, text };
  guint tick = g_timeout_add (5, on_tick, NULL);
  assert_until (has_content, &content);
  g_source_remove (tick);
}

/* Ends the session that holds @full_path as its expiry would: another handle takes it over and
   closes it. The first one comes back at once and may win; hence the loop. */
static void
expire_session (Fixture *f, const char *full_path)
{
  clientid_t id = *zoo_client_id (elves_registry_get_session (f->registry)->handle);
  char *text;
  for (guint i = 0; i < 20 && (text = outside_get (f, full_path, NULL)); i++)
    {
      g_free (text);
      zookeeper_close (connect_outside (&id));
    }
  g_assert_null (outside_get (f, full_path, NULL));
}

/* A ZooKeeper of its own, which a test may kill. */
typedef struct
{
  char *folder;
  GSubprocess *process;
  char *hosts;
} OwnServer;

static char *
services_program (void)
{
  const char *top = g_getenv ("top_srcdir");
  return g_build_filename (top ? top : ".", "tests", "lib", "services.py", NULL);
}

static void
own_server_start (OwnServer *server)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *program = services_program ();
  server->folder = g_dir_make_tmp ("elves-test-XXXXXX", &error);
  g_assert_no_error (error);
  server->process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program, "run", "--only",
                                      "zookeeper", "--dir", server->folder, NULL);
  g_assert_no_error (error);
  g_autofree char *ready = g_build_filename (server->folder, "services.env", NULL);
  g_autofree char *text = NULL;
  for (guint i = 0; i < 3000 && !g_file_get_contents (ready, &text, NULL, NULL); i++)
    g_usleep (20 * 1000);
  g_assert_nonnull (text);
  const char *hosts = strstr (text, "ELVES_TEST_ZOOKEEPER=");
  g_assert_nonnull (hosts);
  hosts = strchr (hosts, '=') + 1;
  server->hosts = g_strndup (hosts, strcspn (hosts, "\n"));
}

static void
own_server_control (OwnServer *server, const char *verb)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *program = services_program ();
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_subprocess_launcher_setenv (launcher, "ELVES_TEST_SERVICES_DIR", server->folder, TRUE);
  g_autoptr (GSubprocess) control =
      g_subprocess_launcher_spawn (launcher, &error, program, "ctl", "zookeeper", verb, NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (control, NULL, NULL));
}

static void
own_server_end (OwnServer *server)
{
  g_subprocess_send_signal (server->process, SIGTERM);
  g_subprocess_wait (server->process, NULL, NULL);
  g_object_unref (server->process);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", server->folder);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (server->folder);
  g_free (server->hosts);
}
