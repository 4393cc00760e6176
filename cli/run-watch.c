/* elves-queue is asked what has changed since the last answer, and takes its time to answer.
 * Results go to stdout, how far it is to stderr. */
#include "cli/run-watch.h"

#include "cli/members.h"
#include "cli/progress.h"
#include "cli/task-state.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum
{
  WAIT_MS = 10000,
  PAGE = 1000
};

typedef struct
{
  ElvesCliDesk *desk;
  const char *id;
  const ElvesRunOutput *output;
  gint64 since;       /* cursor of the changes */
  GHashTable *states; /* seq -> ElvesTaskShown; what is not in it waits */
  guint counts[ELVES_N_TASK_SHOWN];
  ElvesProgress progress;
} Watch;

static void
watch_clear (Watch *self)
{
  g_hash_table_unref (self->states);
  elves_progress_clear (&self->progress);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Watch, watch_clear)

/* ---- one result -------------------------------------------------------------------------------
 */

static void
print_line (JsonObject *task, ElvesTaskShown state)
{
  g_autofree char *text = g_strdup (elves_task_text (task));

  g_strdelimit (g_strchomp (text), "\r\n\t", ' ');
  printf ("%-16s %-10s %s\n", elves_cli_text (task, "ip"), elves_task_shown_names[state], text);
}

static void
print_object (JsonObject *task)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autofree char *text = NULL;

  json_node_init_object (node, task);
  text = json_to_string (node, FALSE);
  puts (text);
}

static gboolean
write_all (int fd, const char *text, gsize length)
{
  while (length > 0)
    {
      gssize written = write (fd, text, length);

      if (written < 0 && errno != EINTR)
        return FALSE;
      text += MAX (written, 0);
      length -= (gsize) MAX (written, 0);
    }
  return TRUE;
}

/* The name is an address, whatever the answer says: it never leads out of the folder. */
static gboolean
keep (const Watch *self, JsonObject *task, GError **error)
{
  const char *ip = elves_cli_text (task, "ip"), *text = elves_task_text (task);
  g_autofree char *path = g_build_filename (self->output->out, ip, NULL);
  int fd = g_hostname_is_ip_address (ip)
               ? g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)
               : -1;
  gboolean done = fd >= 0 && write_all (fd, text, strlen (text));

  if (!done)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "cannot write %s: %s", path,
                 g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return done;
}

static gboolean
show_result (Watch *self, JsonObject *task, ElvesTaskShown state, GError **error)
{
  elves_progress_hide (&self->progress);
  if (self->output->json)
    print_object (task);
  else
    print_line (task, state);
  fflush (stdout);
  return self->output->out == NULL || keep (self, task, error);
}

/* ---- what has changed -------------------------------------------------------------------------
 */

static gboolean
has_ended (ElvesTaskShown state)
{
  return state != ELVES_TASK_WAITS && state != ELVES_TASK_RUNS;
}

static gboolean
take_task (Watch *self, JsonObject *task, GError **error)
{
  gpointer key = GINT_TO_POINTER ((int) elves_cli_number (task, "seq"));
  ElvesTaskShown state = elves_task_state (task);
  ElvesTaskShown before = GPOINTER_TO_UINT (g_hash_table_lookup (self->states, key));

  if (state == before)
    return TRUE;
  self->counts[before]--;
  self->counts[state]++;
  g_hash_table_insert (self->states, key, GUINT_TO_POINTER (state));
  return !has_ended (state) || has_ended (before) || show_result (self, task, state, error);
}

static gboolean
take_changes (Watch *self, JsonObject *answer, GError **error)
{
  JsonArray *tasks = elves_cli_array (answer, "result");

  for (guint i = 0; tasks != NULL && i < json_array_get_length (tasks); i++)
    {
      JsonNode *task = json_array_get_element (tasks, i);

      if (JSON_NODE_HOLDS_OBJECT (task) && !take_task (self, json_node_get_object (task), error))
        return FALSE;
    }
  self->since = elves_cli_number (answer, "next");
  return TRUE;
}

static void
show_progress (Watch *self, guint n_tasks)
{
  g_autofree char *text = elves_task_counts_to_text (self->counts);

  elves_progress_show (&self->progress, elves_task_counts_ended (self->counts), n_tasks, text);
}

static JsonNode *
ask (Watch *self, GError **error)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "id", self->id);
  elves_cli_body_add_number (body, "since", self->since);
  elves_cli_body_add_number (body, "wait_ms", WAIT_MS);
  elves_cli_body_add_number (body, "limit", PAGE);
  return elves_cli_desk_ask (self->desk, "queueChanges", body, error);
}

int
elves_run_watch (ElvesCliDesk *queue,
                 const char *id,
                 guint n_tasks,
                 const ElvesRunOutput *output,
                 GError **error)
{
  g_auto (Watch) self = { .desk = queue, .id = id, .output = output };

  self.states = g_hash_table_new (NULL, NULL);
  self.counts[ELVES_TASK_WAITS] = n_tasks;
  elves_progress_init (&self.progress);
  while (elves_task_counts_ended (self.counts) < n_tasks)
    {
      g_autoptr (JsonNode) answer = ask (&self, error);

      if (answer == NULL)
        return -1;
      if (elves_cli_is_refused (answer))
        return ELVES_EXIT_NOT_RUN;
      if (!take_changes (&self, json_node_get_object (answer), error))
        return -1;
      show_progress (&self, n_tasks);
    }
  return elves_task_counts_status (self.counts);
}
