/* Tasks may need any other ones of the request by their names, before or after them, as long as
 * there is an order in which they can be done. */
#include "queue/submission.h"

#include "queue/graph.h"

#include <string.h>

#define NO_PARENT "[412.4]Depend Task Not Found"
#define LIMIT "[412.5]Queue Limit Reached"

#define MAX_NAME ELVES_QUEUE_MAX_NAME
#define MAX_KEY 255
#define MAX_FINGERPRINT 64
#define MAX_OWNER 64
#define MAX_EXTRA 65536
#define MAX_NEEDS 100000 /* of all tasks together */
#define MAX_STAGGER_MS (24 * 3600 * 1000)

/* What is needed while it is read. */
typedef struct
{
  const ElvesQueueSubmissionRules *rules;
  ElvesQueueSubmission *submission;
  GHashTable *places; /* name of a task -> its index + 1 */
  GPtrArray *after;   /* of each task: an array of char * */
  GArray *edges;      /* of ElvesQueueEdge */
  guint *linked;      /* of each task: the last one, + 1, that was found to need it */
  GChecksum *sum;
  ElvesRefusal *refusal;
} Reading;

void
elves_queue_submission_free (ElvesQueueSubmission *self)
{
  if (self == NULL)
    return;
  g_free (self->app);
  g_free (self->name);
  g_free (self->owner);
  g_free (self->extra);
  g_free (self->key);
  g_clear_pointer (&self->tasks, g_ptr_array_unref);
  g_free (self->content);
  g_free (self);
}

/* ---- the sum -------------------------------------------------------------------------------- */

/* With its NUL: texts do not run into each other. */
static void
add_text (Reading *reading, const char *text)
{
  g_checksum_update (reading->sum, (const guchar *) text, (gssize) strlen (text) + 1);
}

static void
add_number (Reading *reading, gint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, number);
  add_text (reading, text);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static void
add_task_to_sum (Reading *reading, const ElvesQueueTask *task, const GPtrArray *after)
{
  const char *const texts[] = { task->name, task->app != NULL ? task->app : "",
                                task->ip,   task->mode,
                                task->func, task->param,
                                task->proxy };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    add_text (reading, texts[i]);
  add_number (reading, task->timeout_s);
  add_number (reading, after->len);
  for (guint i = 0; i < after->len; i++)
    add_text (reading, after->pdata[i]);
}

/* Of two tasks with one name it could not be said which is meant. */
static gboolean
add_place (Reading *reading, ElvesQueueTask *task, guint i)
{
  return *task->name == '\0' ||
         g_hash_table_insert (reading->places, task->name, GUINT_TO_POINTER (i + 1)) ||
         elves_queue_refuse (reading->refusal, ELVES_QUEUE_FAULT_OTHER, "name",
                             "a name that no other task has");
}

/* Says which task it is about. Returns FALSE. */
static gboolean
refuse_in (Reading *reading, guint i)
{
  char *detail = g_strdup_printf ("tasks[%u].%s", i, reading->refusal->detail);
  g_free (reading->refusal->detail);
  reading->refusal->detail = detail;
  return FALSE;
}

static gboolean
read_task (Reading *reading, ElvesJsonValue value, guint i)
{
  GPtrArray *after = g_ptr_array_new_with_free_func (g_free);
  ElvesQueueTask *task = elves_queue_submission_read_task (value, reading->rules->default_timeout_s,
                                                           after, reading->refusal);
  g_ptr_array_add (reading->after, after);
  if (task == NULL)
    return refuse_in (reading, i);
  g_ptr_array_add (reading->submission->tasks, task);
  reading->submission->bytes += elves_queue_task_bytes (task);
  add_task_to_sum (reading, task, after);
  return add_place (reading, task, i) || refuse_in (reading, i);
}

/* ---- who needs whom ------------------------------------------------------------------------- */

static gboolean
link_one (Reading *reading, guint i, const char *name)
{
  ElvesQueueTask *task = reading->submission->tasks->pdata[i];
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (reading->places, name));
  if (place == 0)
    {
      elves_refusal_clear (reading->refusal);
      reading->refusal->error_text = NO_PARENT;
      reading->refusal->detail = g_strdup_printf ("after: no task is named '%s'", name);
      return refuse_in (reading, i);
    }
  ElvesQueueTask *parent = reading->submission->tasks->pdata[place - 1];
  if (reading->linked[place - 1] == i + 1)
    return TRUE; /* named twice */
  reading->linked[place - 1] = i + 1;
  ElvesQueueEdge edge = { i, place - 1 };
  g_array_append_val (reading->edges, edge);
  g_ptr_array_add (task->needs, g_strdup (parent->id));
  parent->dependents++;
  return TRUE;
}

static gboolean
link_all (Reading *reading)
{
  guint circle;
  reading->linked = g_new0 (guint, reading->after->len);
  for (guint i = 0; i < reading->after->len; i++)
    {
      const GPtrArray *after = reading->after->pdata[i];
      for (guint k = 0; k < after->len; k++)
        if (!link_one (reading, i, after->pdata[k]))
          return FALSE;
      if (reading->edges->len > MAX_NEEDS)
        return elves_queue_refuse (reading->refusal, LIMIT, "after", "at most 100000 in all");
    }
  if (elves_queue_graph_has_order (reading->after->len, reading->edges, &circle))
    return TRUE;
  elves_queue_refuse (reading->refusal, ELVES_QUEUE_FAULT_OTHER, "after",
                      "no task that waits for itself, by way of others");
  return refuse_in (reading, circle);
}

/* ---- the queue ------------------------------------------------------------------------------ */

static gboolean
read_tasks (Reading *reading, ElvesJsonValue list)
{
  ElvesJsonValue element;
  gsize position = 0;
  guint n = 0;
  if (list.kind != ELVES_JSON_ARRAY)
    return elves_queue_refuse (reading->refusal, ELVES_QUEUE_FAULT_OTHER, "tasks",
                               "an array of objects");
  while (elves_json_array_next (list, &position, &element))
    {
      if (n >= reading->rules->max_tasks)
        {
          g_autofree char *most = g_strdup_printf ("at most %u (queue.maxTasks)", n);
          return elves_queue_refuse (reading->refusal, LIMIT, "tasks", most);
        }
      if (!read_task (reading, element, n++))
        return FALSE;
    }
  return n > 0 || elves_queue_refuse (reading->refusal, ELVES_QUEUE_FAULT_OTHER, "tasks",
                                      "at least one task");
}

static ElvesQueueMember
outer (const ElvesRequest *request, const char *name)
{
  return (ElvesQueueMember){ elves_request_get (request, name), name };
}

static gboolean
read_policy (Reading *reading, ElvesQueueMember member)
{
  g_autofree char *text = elves_queue_member_optional (member, "", MAX_NAME, reading->refusal);
  reading->submission->on_failure = reading->rules->on_failure;
  if (text == NULL)
    return FALSE;
  return *text == '\0' || elves_on_failure_from_text (text, &reading->submission->on_failure) ||
         elves_queue_refuse (reading->refusal, ELVES_QUEUE_FAULT_OTHER, member.name,
                             "pendding or skipped");
}

static gboolean
read_pace (Reading *reading, const ElvesRequest *request)
{
  ElvesQueueSubmission *it = reading->submission;
  ElvesRefusal *refusal = reading->refusal;
  return elves_queue_member_number (outer (request, "width"), 0, G_MAXINT32, 0, &it->width,
                                    refusal) &&
         elves_queue_member_number (outer (request, "stagger_ms"), 0, MAX_STAGGER_MS, 0,
                                    &it->stagger_ms, refusal) &&
         elves_queue_member_number (outer (request, "max_failures"), 0, G_MAXINT32, -1,
                                    &it->max_failures, refusal);
}

static gboolean
read_head (Reading *reading, const ElvesRequest *request)
{
  ElvesQueueSubmission *it = reading->submission;
  ElvesRefusal *refusal = reading->refusal;
  it->app = elves_queue_member_word (outer (request, "app"), ELVES_QUEUE_FAULT_APP, refusal);
  if (it->app == NULL)
    return FALSE;
  it->name = elves_queue_member_optional (outer (request, "name"), "", MAX_NAME, refusal);
  it->owner = it->name == NULL
                  ? NULL
                  : elves_queue_member_optional (outer (request, "owner"), "", MAX_OWNER, refusal);
  it->extra = it->owner == NULL
                  ? NULL
                  : elves_queue_member_optional (outer (request, "extra"), "", MAX_EXTRA, refusal);
  it->key = it->extra == NULL
                ? NULL
                : elves_queue_member_optional (outer (request, "key"), "", MAX_KEY, refusal);
  return it->key != NULL && read_policy (reading, outer (request, "on_failure")) &&
         read_pace (reading, request);
}

static void
add_head_to_sum (Reading *reading)
{
  const ElvesQueueSubmission *it = reading->submission;
  const char *const texts[] = { it->app, it->name, it->owner, it->extra,
                                elves_on_failure_texts[it->on_failure] };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    add_text (reading, texts[i]);
  add_number (reading, it->width);
  add_number (reading, it->stagger_ms);
  add_number (reading, it->max_failures);
}

/* What the request is the same as: whoever makes tasks of less says so, as it may make other ones
   of it the next time. */
static gboolean
read_content (Reading *reading, const ElvesRequest *request)
{
  g_autofree char *fingerprint = elves_queue_member_optional (outer (request, "fingerprint"), "",
                                                              MAX_FINGERPRINT, reading->refusal);
  if (fingerprint == NULL)
    return FALSE;
  reading->submission->content = *fingerprint != '\0'
                                     ? g_steal_pointer (&fingerprint)
                                     : g_strdup (g_checksum_get_string (reading->sum));
  return TRUE;
}

static void
reading_clear (Reading *reading)
{
  g_hash_table_unref (reading->places);
  g_ptr_array_unref (reading->after);
  g_array_unref (reading->edges);
  g_free (reading->linked);
  g_checksum_free (reading->sum);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reading, reading_clear)

/**
 * elves_queue_submission_read:
 * @request: submitQueue
 * @rules: what is configured
 *
 * Returns: (transfer full) (nullable): the queue; %NULL: @out_refusal says why not
 */
ElvesQueueSubmission *
elves_queue_submission_read (const ElvesRequest *request,
                             const ElvesQueueSubmissionRules *rules,
                             ElvesRefusal *out_refusal)
{
  g_autoptr (ElvesQueueSubmission) self = g_new0 (ElvesQueueSubmission, 1);
  self->tasks = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_queue_task_free);
  g_auto (Reading) reading = { rules,
                               self,
                               g_hash_table_new (g_str_hash, g_str_equal),
                               g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref),
                               g_array_new (FALSE, FALSE, sizeof (ElvesQueueEdge)),
                               NULL,
                               g_checksum_new (G_CHECKSUM_SHA256),
                               out_refusal };
  if (!read_head (&reading, request))
    return NULL;
  add_head_to_sum (&reading);
  if (!read_tasks (&reading, elves_request_get (request, "tasks")) || !link_all (&reading) ||
      !read_content (&reading, request))
    return NULL;
  if (*self->key == '\0')
    g_clear_pointer (&self->key, g_free);
  return g_steal_pointer (&self);
}
