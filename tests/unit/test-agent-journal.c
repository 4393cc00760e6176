/* The journal on a real file: what it has answered is there after the next start, and it says no
   rather than lose something. */
#include "agent/journal.h"

#include "common/error.h"
#include "tests/lib/run-until.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

typedef struct
{
  char *folder;
  ElvesJournalSettings settings;
  ElvesJournal *journal;
  GString *said; /* one word for each answer */
  GString *restored;
} Fixture;

static void
on_answer (const ElvesJournalReply *reply, gpointer user_data)
{
  Fixture *fixture = user_data;
  if (reply->error != NULL)
    g_string_append_printf (fixture->said, "%s:%s ", reply->key,
                            reply->error->code == ELVES_ERROR_BUSY        ? "full"
                            : reply->error->code == ELVES_ERROR_NOT_FOUND ? "no"
                                                                          : "failed");
  else if (reply->known)
    g_string_append_printf (fixture->said, "%s:%u%s ", reply->key, reply->state,
                            reply->sync ? "s" : "");
  else if (reply->body != NULL)
    g_string_append_printf (fixture->said, "%s=%.*s ", reply->key,
                            (int) g_bytes_get_size (reply->body),
                            (const char *) g_bytes_get_data (reply->body, NULL));
  else
    g_string_append_printf (fixture->said, "%s:ok ", reply->key);
}

static void
assert_said (Fixture *fixture, const char *expected)
{
  elves_journal_drain (fixture->journal);
  g_assert_cmpstr (fixture->said->str, ==, expected);
  g_string_truncate (fixture->said, 0);
}

static void
open_journal (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  fixture->journal = elves_journal_new (&fixture->settings, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture->folder = g_dir_make_tmp ("elves-journal-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->settings.folder = fixture->folder;
  fixture->settings.max_age_s = 100;
  fixture->settings.max_bytes = 1 << 30;
  fixture->said = g_string_new (NULL);
  fixture->restored = g_string_new (NULL);
  open_journal (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  elves_journal_free (fixture->journal);
  static const char *const names[] = { "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm",
                                       "lock" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->folder, names[i], NULL);
      g_remove (path);
    }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_string_free (fixture->said, TRUE);
  g_string_free (fixture->restored, TRUE);
}

static void
accept_as (Fixture *fixture, const char *key, const char *id, gint64 seen_within_s, gboolean sync)
{
  g_autoptr (GBytes) instruct = g_bytes_new (key, strlen (key));
  ElvesJournalAcceptance what = { .key = key,
                                  .id = id,
                                  .type = "queue",
                                  .origin = sync ? NULL : "h:1",
                                  .seen_within_s = seen_within_s,
                                  .sync = sync,
                                  .instruct = instruct };
  elves_journal_accept (fixture->journal, &what, on_answer, fixture);
}

static void
accept_key (Fixture *fixture, const char *key)
{
  accept_as (fixture, key, key, 0, FALSE);
}

static void
start_key (Fixture *fixture, const char *key)
{
  ElvesJournalStart how = { .boot = "b", .tracking = "t", .cgroup = "/c" };
  elves_journal_start (fixture->journal, key, &how, on_answer, fixture);
}

static void
finish_key (Fixture *fixture, const char *key, const char *result)
{
  g_autoptr (GBytes) bytes = g_bytes_new (result, strlen (result));
  elves_journal_finish (fixture->journal, key, bytes, on_answer, fixture);
}

static void
on_restored (const ElvesJournalRecord *record, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_string_append_printf (fixture->restored, "%s:%u%s:%s:%s:%s:%d:%s ", record->key, record->state,
                          record->sync ? "s" : "", record->origin, record->tracking, record->cgroup,
                          (int) record->pid, record->instruct != NULL ? "instruct" : "none");
}

static void
assert_restored (Fixture *fixture, const char *expected)
{
  elves_journal_free (fixture->journal);
  open_journal (fixture);
  g_autoptr (GError) error = NULL;
  g_string_truncate (fixture->restored, 0);
  g_assert_true (elves_journal_restore (fixture->journal, on_restored, fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->restored->str, ==, expected);
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void
test_life (Fixture *fixture, gconstpointer unused)
{
  accept_key (fixture, "k");
  assert_said (fixture, "k:ok ");
  accept_key (fixture, "k");
  start_key (fixture, "k");
  assert_said (fixture, "k:0 k:ok ");
  accept_key (fixture, "k");
  start_key (fixture, "k");
  assert_said (fixture, "k:1 k:no ");
  finish_key (fixture, "k", "one");
  finish_key (fixture, "k", "two");
  elves_journal_read (fixture->journal, "k", on_answer, fixture);
  accept_key (fixture, "k");
  assert_said (fixture, "k:ok k:ok k=one k:2 ");
  elves_journal_take (fixture->journal, "k");
  accept_key (fixture, "k");
  elves_journal_read (fixture->journal, "k", on_answer, fixture);
  start_key (fixture, "k");
  assert_said (fixture, "k:3 k:ok k:no ");
  g_assert_cmpuint (elves_journal_pending (fixture->journal), ==, 0);
}

/* A sync call's answer is kept for who asks again, and never reported. */
static void
test_sync (Fixture *fixture, gconstpointer unused)
{
  accept_as (fixture, "s", "s", 0, TRUE);
  start_key (fixture, "s");
  finish_key (fixture, "s", "answer");
  accept_as (fixture, "s", "s", 0, TRUE);
  elves_journal_read (fixture->journal, "s", on_answer, fixture);
  assert_said (fixture, "s:ok s:ok s:ok s:3s s=answer ");
  assert_restored (fixture, "");
}

/* One request, so one transaction; and who is known is not started by it. */
static void
test_accepted_and_started (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GBytes) instruct = g_bytes_new_static ("i", 1);
  const ElvesJournalStart how = { .boot = "b", .tracking = "t", .cgroup = "/c" };
  ElvesJournalAcceptance what = {
    .key = "a", .id = "a", .type = "rt", .sync = TRUE, .instruct = instruct, .start = &how
  };
  elves_journal_accept (fixture->journal, &what, on_answer, fixture);
  accept_key (fixture, "b");
  what.key = what.id = "b";
  elves_journal_accept (fixture->journal, &what, on_answer, fixture);
  start_key (fixture, "a");
  start_key (fixture, "b");
  assert_said (fixture, "a:ok b:ok b:0 a:no b:ok ");
  assert_restored (fixture, "a:1s:(null):t:/c:0:instruct b:1:h:1:t:/c:0:instruct ");
}

/* P3: the scheduler that asked last is the one that gets the result, after a restart too. */
static void
test_origin (Fixture *fixture, gconstpointer unused)
{
  accept_key (fixture, "a");
  elves_journal_set_origin (fixture->journal, "a", "h:2");
  finish_key (fixture, "a", "r");
  elves_journal_set_aside (fixture->journal, "a");
  assert_said (fixture, "a:ok a:ok ");
  assert_restored (fixture, "a:2:h:2:(null):(null):0:none ");
}

static void
test_restart (Fixture *fixture, gconstpointer unused)
{
  const char *const keys[] = { "a", "b", "c", "d", "e" };
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    accept_key (fixture, keys[i]);
  for (guint i = 1; i < 4; i++)
    start_key (fixture, keys[i]);
  elves_journal_set_leader (fixture->journal, "b", 77, 5);
  finish_key (fixture, "c", "r");
  finish_key (fixture, "d", "r");
  elves_journal_take (fixture->journal, "d");
  elves_journal_forget (fixture->journal, "e");
  /* Nobody waits: the end itself sees to it that all is written. */
  assert_restored (fixture, "a:0:h:1:(null):(null):0:instruct b:1:h:1:t:/c:77:instruct "
                            "c:2:h:1:t:/c:0:none ");
  g_string_truncate (fixture->said, 0);
  accept_key (fixture, "d");
  accept_key (fixture, "e");
  assert_said (fixture, "d:3 e:ok ");
}

/* A message without a key of its own: the last one of that job, if it is young enough. */
static void
test_seen_within (Fixture *fixture, gconstpointer unused)
{
  accept_as (fixture, "k1", "job", 60, FALSE);
  accept_as (fixture, "k2", "job", 0, FALSE);
  accept_as (fixture, "k3", "job", 60, FALSE);
  accept_as (fixture, "k4", "other", 60, FALSE);
  assert_said (fixture, "k1:ok k2:ok k2:0 k4:ok ");
  ElvesJournalAcceptance what = { .key = "k9", .id = "job", .type = "cron", .seen_within_s = 60 };
  elves_journal_find (fixture->journal, &what, on_answer, fixture);
  what.type = "queue";
  elves_journal_find (fixture->journal, &what, on_answer, fixture);
  assert_said (fixture, "k9:ok k2:0 ");
}

static guint
count_rows (Fixture *fixture, const char *query)
{
  g_autofree char *path = g_build_filename (fixture->folder, "journal.sqlite", NULL);
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, query, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  guint n = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return n;
}

static void
change_file (Fixture *fixture, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, "journal.sqlite", NULL);
  sqlite3 *db = NULL;
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, text, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

/* A disk that fills up: no new jobs; what was accepted goes on, and in the end there is room. */
static void
test_disk_full (Fixture *fixture, gconstpointer unused)
{
  elves_journal_free (fixture->journal);
  fixture->settings.max_pages = 40;
  open_journal (fixture);
  accept_key (fixture, "first");
  start_key (fixture, "first");
  assert_said (fixture, "first:ok first:ok ");
  g_autofree char *large = g_strnfill (20000, 'x');
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*cannot be written*full*");
  guint accepted = 0;
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s%02u", large, i);
      accept_key (fixture, key);
      elves_journal_drain (fixture->journal);
      accepted += g_str_has_suffix (fixture->said->str, ":ok ");
      g_string_truncate (fixture->said, 0);
    }
  g_test_assert_expected_messages ();
  g_assert_cmpuint (accepted, >, 0);
  g_assert_cmpuint (accepted, <, 20);
  g_assert_true (elves_journal_is_failing (fixture->journal));
  finish_key (fixture, "first", "r");
  elves_journal_take (fixture->journal, "first");
  assert_said (fixture, "first:ok ");
  g_assert_cmpuint (count_rows (fixture, "SELECT count(*) FROM execution"), ==, accepted + 1);
  g_assert_cmpuint (count_rows (fixture, "SELECT count(*) FROM execution WHERE state = 3"), ==, 1);

  elves_journal_free (fixture->journal);
  fixture->settings.max_pages = 4000;
  open_journal (fixture);
  accept_key (fixture, "new");
  assert_said (fixture, "new:ok ");
}

/* journal.maxBytes: what was taken long ago makes room, what was taken lately does not. */
static void
test_max_bytes (Fixture *fixture, gconstpointer unused)
{
  elves_journal_free (fixture->journal);
  fixture->settings.max_bytes = 300000;
  open_journal (fixture);
  g_autofree char *large = g_strnfill (100000, 'x');
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *key = g_strdup_printf ("s%u", i);
      accept_as (fixture, key, key, 0, TRUE);
      start_key (fixture, key);
      finish_key (fixture, key, large);
    }
  elves_journal_drain (fixture->journal);
  g_string_truncate (fixture->said, 0);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*journal.maxBytes 300000*");
  accept_key (fixture, "k");
  assert_said (fixture, "k:full ");
  g_test_assert_expected_messages ();
  finish_key (fixture, "s2", "r"); /* is known: what was accepted is not refused */
  assert_said (fixture, "s2:ok ");
  change_file (fixture, "UPDATE execution SET taken_ms = 1 WHERE key = 's0'");
  accept_key (fixture, "k");
  accept_key (fixture, "s0");
  accept_key (fixture, "s1");
  assert_said (fixture, "k:ok s0:ok s1:3s ");
}

/* All that came together is one transaction. */
static void
test_group_commit (Fixture *fixture, gconstpointer unused)
{
  accept_key (fixture, "warm");
  elves_journal_drain (fixture->journal);
  g_string_truncate (fixture->said, 0);
  gint64 begin_us = g_get_monotonic_time ();
  for (guint i = 0; i < 2000; i++)
    {
      char key[16];
      g_snprintf (key, sizeof key, "k%u", i);
      accept_key (fixture, key);
    }
  elves_journal_drain (fixture->journal);
  g_test_message ("2000 acceptances: %" G_GINT64_FORMAT " us", g_get_monotonic_time () - begin_us);
  g_assert_cmpuint (count_rows (fixture, "SELECT count(*) FROM execution"), ==, 2001);
  g_assert_null (strstr (fixture->said->str, "failed"));
}

static void
test_lock (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (elves_journal_new (&fixture->settings, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "another agent"));
}

static void
assert_refused (Fixture *fixture, const char *why)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (elves_journal_new (&fixture->settings, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, why));
}

/* Neither is thrown away: to begin anew is somebody's decision. */
static void
test_other_file (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->journal, elves_journal_free);
  change_file (fixture, "PRAGMA user_version = 9");
  assert_refused (fixture, "version 9");
  g_autofree char *path = g_build_filename (fixture->folder, "journal.sqlite", NULL);
  g_autofree char *junk = g_strnfill (8192, 'j');
  g_assert_true (g_file_set_contents (path, junk, -1, NULL));
  assert_refused (fixture, "not a database");
  g_assert_cmpint (g_remove (path), ==, 0);
  open_journal (fixture);
}

/* A page of the table is overwritten: seen at the start. */
static void
test_damaged_page (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *key = g_strdup_printf ("a-rather-long-key-%u", i);
      accept_key (fixture, key);
    }
  elves_journal_drain (fixture->journal);
  g_clear_pointer (&fixture->journal, elves_journal_free);
  g_autofree char *path = g_build_filename (fixture->folder, "journal.sqlite", NULL);
  char *content;
  gsize length;
  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  g_assert_cmpuint (length, >, 5 * 4096);
  memset (content + 4096, 0xee, length - 4096);
  g_assert_true (g_file_set_contents (path, content, length, NULL));
  g_free (content);
  g_autoptr (GError) error = NULL;
  fixture->journal = elves_journal_new (&fixture->settings, &error);
  if (fixture->journal != NULL)
    g_assert_false (elves_journal_restore (fixture->journal, on_restored, fixture, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "malformed"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  static const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } cases[] = {
    { "/journal/life", test_life },
    { "/journal/sync", test_sync },
    { "/journal/p2-accepted-and-started", test_accepted_and_started },
    { "/journal/p3-origin", test_origin },
    { "/journal/restart", test_restart },
    { "/journal/seen-within", test_seen_within },
    { "/journal/disk-full", test_disk_full },
    { "/journal/max-bytes", test_max_bytes },
    { "/journal/group-commit", test_group_commit },
    { "/journal/lock", test_lock },
    { "/journal/other-file", test_other_file },
    { "/journal/damaged-page", test_damaged_page },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add (cases[i].path, Fixture, NULL, set_up, cases[i].func, tear_down);
  return g_test_run ();
}
