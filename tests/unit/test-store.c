/* The store on a real SQLite file and, where there is one (tests/lib/with-services), on a real
   PostgreSQL: what it said to be done is there, whatever is killed, and nothing is done twice. */
#include "common/store.h"

#include "common/error.h"
#include "tests/lib/run-until.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#define POSTGRES (g_getenv ("ELVES_TEST_POSTGRES"))

static const char *program;

typedef struct
{
  char *folder;  /* SQLite */
  PGconn *admin; /* PostgreSQL */
  char *name;    /* of its schema */
  char *url;
  ElvesStoreOptions options;
  ElvesStore *store;
  GString *said; /* one word for each work that is done */
} Fixture;

static const char *const version_1[] = {
  "CREATE TABLE entry (seq $SERIAL, name TEXT UNIQUE, number $INT, body $BYTES)", NULL
};
static const char *const version_2[] = { "ALTER TABLE entry ADD COLUMN note TEXT",
                                         "UPDATE entry SET note = 'old'", NULL };
static const ElvesStoreMigration first_version[] = { { version_1 }, { NULL } };
static const ElvesStoreMigration second_version[] = { { version_1 }, { version_2 }, { NULL } };

/* ---- the stage ------------------------------------------------------------------------------ */

static void
do_sql (Fixture *self, const char *sql)
{
  PGresult *result = PQexec (self->admin, sql);
  ExecStatusType status = PQresultStatus (result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    g_error ("%s: %s", sql, PQerrorMessage (self->admin));
  PQclear (result);
}

static ElvesStore *
open_store (Fixture *self, const ElvesStoreMigration *migrations, GError **error)
{
  return elves_store_open (&self->options, migrations, error);
}

static void
open_first (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  self->store = open_store (self, first_version, &error);
  g_assert_no_error (error);
}

static void
set_up_postgres (Fixture *self)
{
  g_autofree char *id = g_uuid_string_random ();
  self->name = g_strdup_printf ("t%.8s", id);
  self->admin = PQconnectdb (POSTGRES);
  g_assert_cmpint (PQstatus (self->admin), ==, CONNECTION_OK);
  g_autofree char *sql = g_strdup_printf ("CREATE SCHEMA %s", self->name);
  do_sql (self, sql);
  g_autofree char *path =
      g_strdup_printf ("SET search_path = %s; SET client_min_messages = warning", self->name);
  do_sql (self, path);
  self->url = g_strdup_printf ("%s?options=-csearch_path%%3D%s", POSTGRES, self->name);
}

static void
set_up (Fixture *self, gconstpointer postgres)
{
  if (GPOINTER_TO_INT (postgres))
    set_up_postgres (self);
  else
    {
      self->folder = g_dir_make_tmp ("elves-store-XXXXXX", NULL);
      self->name = g_strdup ("things");
      self->url = g_strdup_printf ("sqlite:%s/store.db", self->folder);
    }
  self->options = (ElvesStoreOptions){ .url = self->url,
                                       .schema = self->name,
                                       .exclusive = TRUE,
                                       .queue_limit = 10000,
                                       .timeout_ms = 2000,
                                       .retry_first_ms = 10,
                                       .retry_cap_ms = 200 };
  self->said = g_string_new (NULL);
  open_first (self);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  elves_store_free (self->store);
  if (self->admin != NULL)
    {
      g_autofree char *sql = g_strdup_printf ("DROP SCHEMA %s CASCADE", self->name);
      do_sql (self, sql);
      PQfinish (self->admin);
    }
  else
    {
      static const char *const names[] = { "store.db", "store.db-wal", "store.db-shm",
                                           "store.db.lock" };
      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autofree char *path = g_build_filename (self->folder, names[i], NULL);
          g_remove (path);
        }
      g_rmdir (self->folder);
    }
  g_free (self->folder);
  g_free (self->name);
  g_free (self->url);
  g_string_free (self->said, TRUE);
}

/* ---- works ---------------------------------------------------------------------------------- */

typedef struct
{
  Fixture *fixture;
  char *name;
  gint64 number;
  guint runs;
} Entry;

static void
entry_free (gpointer data)
{
  g_free (((Entry *) data)->name);
  g_free (data);
}

static gboolean
insert (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Entry *entry = data;
  entry->runs++;
  return elves_store_tx_exec (tx, "INSERT INTO entry (name, number) VALUES (?, ?)",
                              ELVES_VALUES (ELVES_TEXT (entry->name), ELVES_INT (entry->number)),
                              NULL, error);
}

static gboolean
insert_and_refuse (ElvesStoreTx *tx, gpointer data, GError **error)
{
  if (!insert (tx, data, error))
    return FALSE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_REFUSED, "no");
  return FALSE;
}

static gboolean
pass_over_failure (ElvesStoreTx *tx, gpointer data, GError **error)
{
  insert (tx, data, NULL);
  return TRUE;
}

static void
on_done (gpointer data, const GError *error)
{
  static const char *const words[] = {
    [ELVES_ERROR_UNAVAILABLE] = "later",
    [ELVES_ERROR_REFUSED] = "refused",
    [ELVES_ERROR_BUSY] = "busy",
    [ELVES_ERROR_INTERNAL] = "broken",
  };
  Entry *entry = data;
  g_string_append_printf (entry->fixture->said, "%s%s%s ", entry->name, error ? ":" : "",
                          error ? words[error->code] : "");
  if (error != NULL)
    g_test_message ("%.8s: %.200s", entry->name, error->message);
}

static void
submit (Fixture *self, ElvesStoreWork work, const char *name, gint64 number)
{
  Entry *entry = g_new0 (Entry, 1);
  *entry = (Entry){ .fixture = self, .name = g_strdup (name), .number = number };
  elves_store_submit (self->store, work, on_done, entry, entry_free);
}

static void
assert_said (Fixture *self, const char *expected)
{
  elves_store_drain (self->store, 20000);
  g_assert_cmpstr (self->said->str, ==, expected);
  g_string_truncate (self->said, 0);
}

static gboolean
collect_names (ElvesStoreTx *tx, gpointer data, GError **error)
{
  GString *names = data;
  g_string_truncate (names, 0);
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT name FROM entry ORDER BY seq", NULL, error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_string_append_printf (names, "%s ", elves_store_rows_text (rows, 0));
  return elves_store_rows_end (rows, error);
}

/* Opens it anew, as a daemon that starts does. */
static void
assert_stored (Fixture *self, const char *expected)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  elves_store_free (self->store);
  open_first (self);
  elves_store_run (self->store, collect_names, names, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (names->str, ==, expected);
}

/* ---- cases: both ---------------------------------------------------------------------------- */

static void
test_order (Fixture *self, gconstpointer unused)
{
  submit (self, insert, "a", 1);
  submit (self, insert, "b", 2);
  g_assert_cmpstr (self->said->str, ==, ""); /* not from inside */
  submit (self, insert, "c", 3);
  run_until (self->said->len == 6);
  assert_said (self, "a b c ");
  assert_stored (self, "a b c ");
}

static void
test_failure_alone (Fixture *self, gconstpointer unused)
{
  submit (self, insert, "a", 1);
  submit (self, insert_and_refuse, "b", 2);
  submit (self, insert, "a", 3); /* not unique */
  submit (self, pass_over_failure, "a", 4);
  submit (self, insert, "c", 5);
  assert_said (self, "a b:refused a:broken a:broken c ");
  ElvesStoreFigures figures;
  elves_store_get_figures (self->store, &figures);
  g_assert_cmpuint (figures.works, ==, 5);
  g_assert_cmpuint (figures.waiting, ==, 0);
  g_assert_false (figures.is_failing); /* the works are wrong, not the database */
  assert_stored (self, "a c ");
}

static void
test_bound (Fixture *self, gconstpointer unused)
{
  elves_store_free (self->store);
  self->options.queue_limit = 0;
  open_first (self);
  submit (self, insert, "a", 1);
  g_assert_cmpstr (self->said->str, ==, "");
  run_until (self->said->len > 0);
  assert_said (self, "a:busy ");
  ElvesStoreFigures figures;
  elves_store_get_figures (self->store, &figures);
  g_assert_cmpuint (figures.refused, ==, 1);
  assert_stored (self, "");
}

static void
test_one_process (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  self->options.timeout_ms = 50;
  g_assert_null (open_store (self, first_version, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "another process"));
  submit (self, insert, "a", 1);
  assert_said (self, "a ");
}

static void
test_migration (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  submit (self, insert, "a", 1);
  assert_said (self, "a ");
  elves_store_free (g_steal_pointer (&self->store));
  self->store = open_store (self, second_version, &error);
  g_assert_no_error (error);
  elves_store_free (g_steal_pointer (&self->store));
  g_assert_null (open_store (self, first_version, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "version 2"));
}

static void
test_broken_migration (Fixture *self, gconstpointer unused)
{
  static const char *const broken[] = { "ALTER TABLE entry ADD COLUMN other TEXT", "NO SQL", NULL };
  static const ElvesStoreMigration steps[] = { { version_1 }, { broken }, { NULL } };
  g_autoptr (GError) error = NULL;
  elves_store_free (g_steal_pointer (&self->store));
  g_assert_null (open_store (self, steps, &error));
  g_assert_nonnull (strstr (error->message, "making version 2"));
  g_clear_error (&error);
  /* Nothing of it has stayed. */
  static const char *const right[] = { "ALTER TABLE entry ADD COLUMN other TEXT", NULL };
  static const ElvesStoreMigration mended[] = { { version_1 }, { right }, { NULL } };
  self->store = open_store (self, mended, &error);
  g_assert_no_error (error);
}

static gboolean
write_values (ElvesStoreTx *tx, gpointer data, GError **error)
{
  static const char *const sql = "INSERT INTO entry (name, number, body) VALUES (?, ?, ?)";
  g_autoptr (GBytes) bytes = g_bytes_new_static ("\0\\x'?", 6);
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  return elves_store_tx_exec (tx, sql,
                              ELVES_VALUES (ELVES_TEXT ("it's ? \\ ünï"), ELVES_INT (G_MININT64),
                                            ELVES_BYTES (bytes)),
                              NULL, error) &&
         elves_store_tx_exec (
             tx, sql, ELVES_VALUES (ELVES_TEXT (NULL), ELVES_INT (G_MAXINT64), ELVES_BYTES (empty)),
             NULL, error) &&
         elves_store_tx_exec (
             tx, sql, ELVES_VALUES (ELVES_TEXT (""), { ELVES_STORE_NULL }, ELVES_BYTES (NULL)),
             NULL, error);
}

static gboolean
read_values (ElvesStoreTx *tx, gpointer data, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT name, number, body FROM entry ORDER BY seq", NULL, error);
  g_assert_true (elves_store_rows_next (rows));
  g_autoptr (GBytes) bytes = elves_store_rows_bytes (rows, 2);
  g_assert_cmpstr (elves_store_rows_text (rows, 0), ==, "it's ? \\ ünï");
  g_assert_cmpint (elves_store_rows_int (rows, 1), ==, G_MININT64);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "\0\\x'?", 6);
  g_assert_true (elves_store_rows_next (rows));
  g_autoptr (GBytes) empty = elves_store_rows_bytes (rows, 2);
  g_assert_null (elves_store_rows_text (rows, 0));
  g_assert_cmpint (elves_store_rows_int (rows, 1), ==, G_MAXINT64);
  g_assert_cmpuint (g_bytes_get_size (empty), ==, 0);
  g_assert_true (elves_store_rows_next (rows));
  g_assert_cmpstr (elves_store_rows_text (rows, 0), ==, "");
  g_assert_true (elves_store_rows_is_null (rows, 1));
  g_assert_null (elves_store_rows_bytes (rows, 2));
  g_assert_false (elves_store_rows_next (rows));
  return elves_store_rows_end (rows, error);
}

static gboolean
change_values (ElvesStoreTx *tx, gpointer data, GError **error)
{
  gint64 changed = -1;
  gboolean done = elves_store_tx_exec (tx, "UPDATE entry SET number = 7 WHERE number IS NOT NULL",
                                       NULL, &changed, error);
  g_assert_cmpint (changed, ==, 2);
  return done;
}

static void
test_values (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  elves_store_run (self->store, write_values, NULL, &error);
  g_assert_no_error (error);
  elves_store_run (self->store, read_values, NULL, &error);
  g_assert_no_error (error);
  elves_store_run (self->store, change_values, NULL, &error);
  g_assert_no_error (error);
}

/* ---- a crash -------------------------------------------------------------------------------- */

static gboolean
insert_pair (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Entry *entry = data;
  return elves_store_tx_exec (tx, "INSERT INTO entry (number) VALUES (?), (?)",
                              ELVES_VALUES (ELVES_INT (entry->number), ELVES_INT (entry->number)),
                              NULL, error);
}

static void
say_number (gpointer data, const GError *error)
{
  g_print ("%" G_GINT64_FORMAT "\n", ((Entry *) data)->number);
}

/* Another process: writes pairs for ever, and says each one that is done. */
static int
write_for_ever (const char *url, const char *schema)
{
  g_autoptr (GError) error = NULL;
  ElvesStoreOptions options = { .url = url,
                                .schema = schema,
                                .exclusive = TRUE,
                                .queue_limit = 5000,
                                .timeout_ms = 5000,
                                .retry_first_ms = 10,
                                .retry_cap_ms = 100 };
  g_autoptr (ElvesStore) store = elves_store_open (&options, first_version, &error);
  g_assert_no_error (error);
  for (gint64 number = 1;; number++)
    {
      Entry *entry = g_new0 (Entry, 1);
      entry->number = number;
      elves_store_submit (store, insert_pair, say_number, entry, entry_free);
      ElvesStoreFigures figures;
      do
        {
          elves_store_get_figures (store, &figures);
          g_main_context_iteration (NULL, figures.waiting >= 100);
        }
      while (figures.waiting >= 100);
    }
  return 0;
}

static gboolean
check_pairs (ElvesStoreTx *tx, gpointer data, GError **error)
{
  gint64 *last = data;
  *last = 0;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT number, count (*) FROM entry GROUP BY number ORDER BY number", NULL, error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      g_assert_cmpint (elves_store_rows_int (rows, 0), ==, *last + 1); /* in order, none missing */
      g_assert_cmpint (elves_store_rows_int (rows, 1), ==, 2);         /* whole */
      ++*last;
    }
  return elves_store_rows_end (rows, error);
}

/* Returns the last number that it said to be done. */
static gint64
run_and_kill (Fixture *self, gint64 until)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, "--write-for-ever",
                        self->url, self->name, NULL);
  g_assert_no_error (error);
  g_autoptr (GDataInputStream) lines =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));
  gint64 last = 0;
  char *line;
  while ((line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)) != NULL)
    {
      if (g_ascii_isdigit (line[0]))
        g_assert_cmpint (g_ascii_strtoll (line, NULL, 10), ==, ++last);
      g_free (line);
      if (last == until)
        g_subprocess_force_exit (child);
    }
  g_subprocess_wait (child, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_term_sig (child), ==, SIGKILL);
  g_assert_cmpint (last, >=, until);
  return last;
}

static void
test_killed (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  elves_store_free (g_steal_pointer (&self->store));
  gint64 said = run_and_kill (self, 1500), stored = 0;
  open_first (self);
  elves_store_run (self->store, check_pairs, &stored, &error);
  g_assert_no_error (error);
  g_test_message ("said %" G_GINT64_FORMAT ", stored %" G_GINT64_FORMAT, said, stored);
  g_assert_cmpint (stored, >=, said);
}

/* ---- cases: SQLite -------------------------------------------------------------------------- */

/* Both from the store's thread, whenever a commit fails after one that did not. */
static void
on_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer n_full)
{
  g_assert_nonnull (strstr (message, "disk is full"));
  g_atomic_int_inc ((int *) n_full);
}

static gboolean
never_fatal (const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
  return FALSE;
}

static void
test_full_disk (Fixture *self, gconstpointer unused)
{
  int n_full = 0;
  guint handler =
      g_log_set_handler ("elves", G_LOG_LEVEL_WARNING | G_LOG_FLAG_FATAL, on_warning, &n_full);
  g_test_log_set_fatal_handler (never_fatal, NULL);
  elves_store_free (self->store);
  self->options.max_pages = 40;
  open_first (self);
  g_autofree char *big = g_strnfill (20000, 'x');
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s%u", big, i);
      submit (self, insert, name, i);
    }
  submit (self, insert, "small", 1);
  elves_store_drain (self->store, 20000);
  g_assert_cmpint (g_atomic_int_get (&n_full), >=, 1);
  g_assert_nonnull (strstr (self->said->str, "x0 "));
  g_assert_nonnull (strstr (self->said->str, "x19:later "));
  ElvesStoreFigures figures;
  elves_store_get_figures (self->store, &figures);
  g_assert_true (figures.is_failing);
  g_assert_cmpuint (figures.works, ==, 21);
  /* There is room again. */
  elves_store_free (self->store);
  self->options.max_pages = 0;
  open_first (self);
  g_string_truncate (self->said, 0);
  submit (self, insert, "later", 1);
  assert_said (self, "later ");
  g_test_log_set_fatal_handler (NULL, NULL);
  g_log_remove_handler ("elves", handler);
}

static void
test_bad_url (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (elves_store_url_check ("sqlite:/a/b.db", &error));
  g_assert_true (elves_store_url_check ("postgresql://u@h/d", &error));
  static const char *const bad[] = { "", "sqlite:", "sqlite:b.db", "sqlite:/a/",
                                     "mysql://secret@h" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (elves_store_url_check (bad[i], &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_assert_null (strstr (error->message, "secret"));
      g_clear_error (&error);
    }
}

/* ---- cases: PostgreSQL ---------------------------------------------------------------------- */

static void
end_sessions (Fixture *self)
{
  do_sql (self, "SELECT pg_terminate_backend (pid) FROM pg_stat_activity"
                " WHERE application_name = 'elves' AND pid <> pg_backend_pid ()");
}

static void
test_reconnect (Fixture *self, gconstpointer unused)
{
  submit (self, insert, "a", 1);
  assert_said (self, "a ");
  end_sessions (self);
  g_test_expect_message ("elves", G_LOG_LEVEL_WARNING, "*cannot be written*");
  for (guint i = 0; i < 3; i++)
    {
      char name[] = { 'b' + i, '\0' };
      submit (self, insert, name, i);
    }
  assert_said (self, "b c d ");
  g_test_assert_expected_messages ();
  assert_stored (self, "a b c d ");
}

/* Commits take a moment, in which something may happen. */
static void
slow_commits (Fixture *self)
{
  do_sql (self, "CREATE FUNCTION wait () RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_sleep (0.7); RETURN NULL; END $$");
  do_sql (self, "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON entry"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait ()");
}

static gboolean
is_committing (Fixture *self)
{
  PGresult *result = PQexec (self->admin, "SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT'"
                                          " AND application_name = 'elves' AND state = 'active'");
  gboolean found = PQntuples (result) == 1;
  PQclear (result);
  return found;
}

static void
test_lost_before_commit (Fixture *self, gconstpointer unused)
{
  slow_commits (self);
  g_test_expect_message ("elves", G_LOG_LEVEL_WARNING, "*cannot be written*");
  submit (self, insert, "a", 1);
  run_until (is_committing (self));
  end_sessions (self);
  do_sql (self, "DROP TRIGGER wait ON entry");
  assert_said (self, "a ");
  g_test_assert_expected_messages ();
  assert_stored (self, "a ");
}

/* The sockets of this process to that port, but for the administrator's. */
static void
deafen (Fixture *self)
{
  guint deafened = 0;
  int port = atoi (PQport (self->admin));
  for (int fd = 3; fd < 200; fd++)
    {
      struct sockaddr_in peer;
      socklen_t length = sizeof peer;
      if (fd != PQsocket (self->admin) &&
          getpeername (fd, (struct sockaddr *) &peer, &length) == 0 && peer.sin_family == AF_INET &&
          ntohs (peer.sin_port) == port)
        deafened += shutdown (fd, SHUT_RD) == 0;
    }
  g_assert_cmpuint (deafened, ==, 1);
}

static void
test_lost_after_commit (Fixture *self, gconstpointer unused)
{
  slow_commits (self);
  self->store = (elves_store_free (self->store), NULL);
  self->options.retry_first_ms = 1500; /* the server gets through with it meanwhile */
  self->options.retry_cap_ms = 1500;
  open_first (self);
  g_test_expect_message ("elves", G_LOG_LEVEL_WARNING, "*cannot be written*");
  submit (self, insert, "a", 1);
  run_until (is_committing (self));
  deafen (self);
  assert_said (self, "a "); /* run twice it would not be unique */
  g_test_assert_expected_messages ();
  assert_stored (self, "a ");
}

static void
test_frozen (Fixture *self, gconstpointer unused)
{
  do_sql (self, "BEGIN; LOCK TABLE entry");
  submit (self, insert, "a", 1);
  g_test_expect_message ("elves", G_LOG_LEVEL_WARNING, "*timeout*");
  elves_store_drain (self->store, 20000);
  g_test_assert_expected_messages ();
  do_sql (self, "COMMIT");
  assert_said (self, "a:later ");
  submit (self, insert, "b", 1);
  assert_said (self, "b ");
}

/* ---- all ------------------------------------------------------------------------------------ */

typedef void (*Case) (Fixture *, gconstpointer);

static void
add (const char *which, gboolean postgres, Case test)
{
  g_autofree char *path =
      g_strdup_printf ("/store/%s/%s", postgres ? "postgresql" : "sqlite", which);
  g_test_add (path, Fixture, GINT_TO_POINTER (postgres), set_up, test, tear_down);
}

static void
add_cases (gboolean postgres)
{
  add ("order", postgres, test_order);
  add ("failure-alone", postgres, test_failure_alone);
  add ("bound", postgres, test_bound);
  add ("one-process", postgres, test_one_process);
  add ("migration", postgres, test_migration);
  add ("broken-migration", postgres, test_broken_migration);
  add ("values", postgres, test_values);
  add ("killed", postgres, test_killed);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], "--write-for-ever"))
    return write_for_ever (argv[2], argv[3]);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  if (POSTGRES == NULL && g_strcmp0 (g_getenv ("ELVES_REQUIRE_SERVICES"), "1") == 0)
    {
      g_print ("Bail out! no PostgreSQL: ELVES_TEST_POSTGRES is not set\n");
      return 1;
    }
  add_cases (FALSE);
  add ("full-disk", FALSE, test_full_disk);
  g_test_add_func ("/store/bad-url", test_bad_url);
  if (POSTGRES != NULL)
    {
      add_cases (TRUE);
      add ("reconnect", TRUE, test_reconnect);
      add ("lost-before-commit", TRUE, test_lost_before_commit);
      add ("lost-after-commit", TRUE, test_lost_after_commit);
      add ("frozen", TRUE, test_frozen);
    }
  return g_test_run ();
}
