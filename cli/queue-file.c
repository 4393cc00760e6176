/* Reading the file of a queue.
 *
 *   { "app": "backup", "on_failure": "skipped",
 *     "tasks": [ { "name": "dump", "ip": "10.0.0.7", "func": "dump", "param": {"db": "a"} },
 *                { "name": "copy", "ip": "10.0.0.8", "func": "copy", "after": ["dump"] } ] }
 *
 * elves-queue takes a task only when those it waits for are there: they are put into such an order,
 * and otherwise stay in that of the file. */
#include "cli/queue-file.h"

#include "cli/members.h"
#include "common/error.h"

#include <string.h>

/* --- life ------------------------------------------------------------------------------------ */

static void
task_free (gpointer data)
{
  ElvesQueueFileTask *self = data;

  g_free (self->name);
  g_free (self->id);
  g_array_unref (self->needs);
  g_free (self);
}

/**
 * elves_queue_file_free:
 * @self: (nullable): a file
 */
void
elves_queue_file_free (ElvesQueueFile *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->root, json_node_unref);
  g_clear_pointer (&self->tasks, g_ptr_array_unref);
  g_free (self->app);
  g_free (self->on_failure);
  g_free (self);
}

/* --- reading --------------------------------------------------------------------------------- */

static gboolean invalid (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
invalid (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_propagate_error (error,
                     g_error_new_valist (ELVES_ERROR, ELVES_ERROR_INVALID, format, arguments));
  va_end (arguments);
  return FALSE;
}

static gboolean
load_root (ElvesQueueFile *self, const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (g_str_equal (path, "-") ? "/dev/stdin" : path, &text, NULL, error))
    return FALSE;
  self->root = json_from_string (text, error);
  if (self->root != NULL && JSON_NODE_HOLDS_OBJECT (self->root))
    return TRUE;
  if (error == NULL || *error == NULL)
    g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, "it is not a JSON object");
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

static ElvesQueueFileTask *
task_new (JsonObject *members, guint number)
{
  ElvesQueueFileTask *self = g_new0 (ElvesQueueFileTask, 1);
  const char *name = elves_cli_text (members, "name");

  self->name = *name != '\0' ? g_strdup (name) : g_strdup_printf ("task %u", number);
  self->members = members;
  self->needs = g_array_new (FALSE, FALSE, sizeof (guint));
  return self;
}

static gboolean
read_tasks (ElvesQueueFile *self, GHashTable *by_name, GError **error)
{
  JsonArray *list = elves_cli_array (json_node_get_object (self->root), "tasks");
  guint n_tasks = list != NULL ? json_array_get_length (list) : 0;

  if (n_tasks == 0 || n_tasks > ELVES_QUEUE_FILE_TASKS)
    return invalid (error, "\"tasks\": expected an array of 1 to 10000 objects");
  for (guint i = 0; i < n_tasks; i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      ElvesQueueFileTask *task;

      if (!JSON_NODE_HOLDS_OBJECT (node))
        return invalid (error, "\"tasks\": expected objects");
      task = task_new (json_node_get_object (node), i + 1);
      g_ptr_array_add (self->tasks, task);
      if (!g_hash_table_insert (by_name, task->name, GUINT_TO_POINTER (i)))
        return invalid (error, "two tasks are called \"%s\"", task->name);
    }
  return TRUE;
}

static gboolean
add_need (ElvesQueueFileTask *task, const char *name, GHashTable *by_name, GError **error)
{
  gpointer index;
  guint number;

  if (!g_hash_table_lookup_extended (by_name, name, NULL, &index))
    return invalid (error, "task \"%s\" waits for \"%s\", which is not there", task->name, name);
  number = GPOINTER_TO_UINT (index);
  g_array_append_val (task->needs, number);
  return TRUE;
}

/* "after" is a name or an array of names. */
static gboolean
read_needs (ElvesQueueFileTask *task, GHashTable *by_name, GError **error)
{
  JsonArray *list = elves_cli_array (task->members, "after");
  const char *one = elves_cli_text (task->members, "after");

  if (*one != '\0')
    return add_need (task, one, by_name, error);
  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);

      if (json_node_get_value_type (node) != G_TYPE_STRING)
        return invalid (error, "task \"%s\": \"after\": expected names", task->name);
      if (!add_need (task, json_node_get_string (node), by_name, error))
        return FALSE;
    }
  return TRUE;
}

/* --- order ----------------------------------------------------------------------------------- */

enum
{
  NOT_PLACED = G_MAXUINT
};

static gboolean
is_ready (const ElvesQueueFileTask *task, const guint *places)
{
  for (guint i = 0; i < task->needs->len; i++)
    if (places[g_array_index (task->needs, guint, i)] == NOT_PLACED)
      return FALSE;
  return TRUE;
}

/* Rounds through all that are left; @places: where each one of the file comes. Returns how many
   found a place: the others are in circles, or wait for one. */
static guint
find_places (GPtrArray *tasks, guint *places)
{
  guint n_placed = 0;
  guint before;

  do
    {
      before = n_placed;
      for (guint i = 0; i < tasks->len; i++)
        if (places[i] == NOT_PLACED && is_ready (tasks->pdata[i], places))
          places[i] = n_placed++;
    }
  while (n_placed > before && n_placed < tasks->len);
  return n_placed;
}

static void
move_tasks (ElvesQueueFile *self, const guint *places)
{
  GPtrArray *moved = g_ptr_array_new_with_free_func (task_free);

  g_ptr_array_set_size (moved, (int) self->tasks->len);
  for (guint i = 0; i < self->tasks->len; i++)
    {
      ElvesQueueFileTask *task = self->tasks->pdata[i];

      for (guint j = 0; j < task->needs->len; j++)
        g_array_index (task->needs, guint, j) = places[g_array_index (task->needs, guint, j)];
      moved->pdata[places[i]] = task;
    }
  g_ptr_array_set_free_func (self->tasks, NULL);
  g_ptr_array_unref (self->tasks);
  self->tasks = moved;
}

static gboolean
order_tasks (ElvesQueueFile *self, GError **error)
{
  g_autofree guint *places = g_new (guint, self->tasks->len);

  memset (places, 0xff, self->tasks->len * sizeof *places);
  if (find_places (self->tasks, places) == self->tasks->len)
    {
      move_tasks (self, places);
      return TRUE;
    }
  for (guint i = 0; i < self->tasks->len; i++)
    if (places[i] == NOT_PLACED)
      return invalid (error, "task \"%s\" waits for itself, by way of others or directly",
                      ((ElvesQueueFileTask *) self->tasks->pdata[i])->name);
  g_assert_not_reached ();
}

/**
 * elves_queue_file_load:
 * @path: of the file; "-": stdin
 * @error: what is wrong in it
 *
 * Returns: (transfer full): the queue; %NULL with @error set.
 */
ElvesQueueFile *
elves_queue_file_load (const char *path, GError **error)
{
  g_autoptr (ElvesQueueFile) self = g_new0 (ElvesQueueFile, 1);
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  JsonObject *root;

  self->tasks = g_ptr_array_new_with_free_func (task_free);
  if (!load_root (self, path, error))
    return NULL;
  root = json_node_get_object (self->root);
  self->app = g_strdup (elves_cli_text (root, "app"));
  if (json_object_has_member (root, "on_failure"))
    self->on_failure = g_strdup (elves_cli_text (root, "on_failure"));
  if (!read_tasks (self, by_name, error))
    return NULL;
  for (guint i = 0; i < self->tasks->len; i++)
    if (!read_needs (self->tasks->pdata[i], by_name, error))
      return NULL;
  return order_tasks (self, error) ? g_steal_pointer (&self) : NULL;
}
