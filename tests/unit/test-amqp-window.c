/* The window of unconfirmed publications: numbers, confirmations, returns. */
#include "common/amqp-window.h"

#include <string.h>

typedef struct
{
  ElvesAmqpWindow window;
  GString *log; /* of what was confirmed: the body, '!' behind a nack, '0' behind a returned one */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  elves_amqp_window_init (&f->window);
  f->log = g_string_new (NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  GQueue left = G_QUEUE_INIT;
  elves_amqp_window_rewind (&f->window, &left);
  g_queue_clear_full (&left, (GDestroyNotify) elves_amqp_entry_free);
  g_string_free (f->log, TRUE);
}

static ElvesAmqpEntry *
new_entry (const char *body)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup ("x");
  publication->routing_key = g_strdup ("key");
  publication->content_type = g_strdup ("text/plain");
  publication->body = g_bytes_new (body, strlen (body));
  ElvesAmqpEntry *entry = g_new0 (ElvesAmqpEntry, 1);
  entry->publication = publication;
  return entry;
}

static void
append_body (GString *log, const ElvesAmqpEntry *entry)
{
  gsize size;
  const char *bytes = g_bytes_get_data (entry->publication->body, &size);
  g_string_append_len (log, bytes, (gssize) size);
}

static void
add (Fixture *f, const char *bodies)
{
  for (; *bodies != '\0'; bodies++)
    {
      char body[2] = { *bodies };
      elves_amqp_window_add (&f->window, new_entry (body));
    }
}

static void
on_confirmed (ElvesAmqpEntry *entry, gboolean accepted, gpointer user_data)
{
  Fixture *f = user_data;
  append_body (f->log, entry);
  g_string_append (f->log, accepted ? "" : "!");
  g_string_append (f->log, entry->returned ? "0" : "");
  elves_amqp_entry_free (entry);
}

static gboolean
confirm (Fixture *f, guint64 number, gboolean multiple, gboolean accepted)
{
  return elves_amqp_window_confirm (&f->window, number, multiple, accepted, on_confirmed, f);
}

static void
mark (Fixture *f, const char *exchange, const char *key, const char *body)
{
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  elves_amqp_window_mark_returned (&f->window, exchange, key, bytes);
}

static void
test_single (Fixture *f, gconstpointer data)
{
  add (f, "abc");
  g_assert_true (confirm (f, 2, FALSE, TRUE));
  g_assert_true (confirm (f, 2, FALSE, TRUE)); /* once more: nothing */
  g_assert_true (confirm (f, 1, FALSE, FALSE));
  g_assert_cmpstr (f->log->str, ==, "ba!");
  g_assert_cmpuint (f->window.unconfirmed, ==, 1);
  g_assert_cmpuint (f->window.first, ==, 3);
}

static void
test_multiple (Fixture *f, gconstpointer data)
{
  add (f, "abcde");
  g_assert_true (confirm (f, 2, FALSE, TRUE));
  g_assert_true (confirm (f, 4, TRUE, TRUE));
  g_assert_cmpstr (f->log->str, ==, "bacd");
  g_assert_true (confirm (f, 3, TRUE, TRUE)); /* of the past */
  g_assert_true (confirm (f, 5, TRUE, FALSE));
  g_assert_cmpstr (f->log->str, ==, "bacde!");
  g_assert_cmpuint (f->window.unconfirmed, ==, 0);
}

static void
test_unknown_number (Fixture *f, gconstpointer data)
{
  add (f, "a");
  g_assert_false (confirm (f, 2, FALSE, TRUE));
  g_assert_false (confirm (f, G_MAXUINT64, TRUE, TRUE));
  g_assert_true (confirm (f, 0, TRUE, TRUE));
  g_assert_true (confirm (f, 0, FALSE, TRUE));
  g_assert_cmpstr (f->log->str, ==, "");
}

static void
test_returned (Fixture *f, gconstpointer data)
{
  add (f, "abba");
  mark (f, "x", "key", "b");
  mark (f, "x", "other", "a");
  mark (f, "y", "key", "a");
  mark (f, "x", "key", "a");
  mark (f, "x", "key", "a");
  mark (f, "x", "key", "a"); /* one more than there are */
  g_assert_true (confirm (f, 4, TRUE, TRUE));
  g_assert_cmpstr (f->log->str, ==, "a0b0ba0");
}

static void
test_full (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < ELVES_AMQP_WINDOW_SIZE; i++)
    {
      g_assert_false (elves_amqp_window_is_full (&f->window));
      add (f, "a");
    }
  g_assert_true (elves_amqp_window_is_full (&f->window));
  /* Full as long as the oldest is not confirmed, whatever is behind it. */
  g_assert_true (confirm (f, 2, FALSE, TRUE));
  g_assert_true (elves_amqp_window_is_full (&f->window));
  g_assert_true (confirm (f, 1, FALSE, TRUE));
  add (f, "bc");
  g_assert_true (elves_amqp_window_is_full (&f->window));
  g_assert_true (confirm (f, ELVES_AMQP_WINDOW_SIZE + 2, TRUE, TRUE));
  g_assert_cmpuint (f->log->len, ==, ELVES_AMQP_WINDOW_SIZE + 2);
  g_assert_true (g_str_has_suffix (f->log->str, "abc"));
}

static void
test_rewind (Fixture *f, gconstpointer data)
{
  add (f, "abcd");
  mark (f, "x", "key", "c");
  g_assert_true (confirm (f, 2, FALSE, TRUE));
  GQueue waiting = G_QUEUE_INIT;
  g_queue_push_tail (&waiting, new_entry ("e"));
  elves_amqp_window_rewind (&f->window, &waiting);
  g_string_truncate (f->log, 0);
  for (GList *link = waiting.head; link != NULL; link = link->next)
    {
      append_body (f->log, link->data);
      g_assert_false (((ElvesAmqpEntry *) link->data)->returned);
    }
  g_assert_cmpstr (f->log->str, ==, "acde");
  g_assert_cmpuint (f->window.next, ==, 1);
  g_assert_null (elves_amqp_window_peek_first (&f->window));
  g_queue_clear_full (&waiting, (GDestroyNotify) elves_amqp_entry_free);
}

static void
test_take_first (Fixture *f, gconstpointer data)
{
  add (f, "ab");
  g_assert_true (confirm (f, 1, FALSE, TRUE));
  ElvesAmqpEntry *entry = elves_amqp_window_take_first (&f->window);
  g_assert_nonnull (entry);
  append_body (f->log, entry);
  elves_amqp_entry_free (entry);
  g_assert_cmpstr (f->log->str, ==, "ab");
  g_assert_cmpuint (f->window.unconfirmed, ==, 0);
}

static void
add_case (const char *path, void (*run) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, run, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_case ("/amqp-window/single", test_single);
  add_case ("/amqp-window/multiple", test_multiple);
  add_case ("/amqp-window/unknown-number", test_unknown_number);
  add_case ("/amqp-window/returned", test_returned);
  add_case ("/amqp-window/full", test_full);
  add_case ("/amqp-window/rewind", test_rewind);
  add_case ("/amqp-window/take-first", test_take_first);
  return g_test_run ();
}
