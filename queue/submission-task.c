/* A task among those of submitQueue, and after whom it comes: read and checked by itself. */
#include "queue/submission.h"

#include "common/job.h"

typedef struct
{
  const ElvesJsonObject *object;
  ElvesRefusal *refusal;
} Element;

static ElvesQueueMember
member_of (const Element *element, const char *name)
{
  return (ElvesQueueMember){ elves_json_object_get (element->object, name), name };
}

static char *
word (const Element *element, const char *name, const char *fault)
{
  return elves_queue_member_word (member_of (element, name), fault, element->refusal);
}

static char *
optional (const Element *element, const char *name, gsize max_bytes)
{
  return elves_queue_member_optional (member_of (element, name), "", max_bytes, element->refusal);
}

static gboolean
read_mode (const Element *element, ElvesQueueTask *task)
{
  ElvesQueueMember mode = member_of (element, "mode");
  task->mode = mode.value.kind == ELVES_JSON_ABSENT
                   ? g_strdup ("NP")
                   : elves_queue_member_mode (mode, element->refusal);
  return task->mode != NULL;
}

static gboolean
read_timeout (const Element *element, gint default_timeout_s, ElvesQueueTask *task)
{
  gint64 timeout_s;
  if (!elves_queue_member_number (member_of (element, "timeout"), 0, ELVES_QUEUE_MAX_TIMEOUT_S, 0,
                                  &timeout_s, element->refusal))
    {
      element->refusal->error_text = ELVES_QUEUE_FAULT_TIMEOUT;
      return FALSE;
    }
  task->timeout_s = timeout_s > 0 ? (gint) timeout_s : default_timeout_s;
  return TRUE;
}

static gboolean
read_texts (const Element *element, ElvesQueueTask *task)
{
  return (task->ip = word (element, "ip", ELVES_QUEUE_FAULT_IP)) != NULL &&
         (task->func = word (element, "func", ELVES_QUEUE_FAULT_FUNC)) != NULL &&
         (task->name = optional (element, "name", ELVES_QUEUE_MAX_NAME)) != NULL &&
         (task->app = optional (element, "app", ELVES_QUEUE_MAX_NAME)) != NULL &&
         (task->param = optional (element, "param", G_MAXSIZE)) != NULL &&
         (task->proxy = optional (element, "proxy", G_MAXSIZE)) != NULL;
}

static gboolean
read_after (const Element *element, GPtrArray *after)
{
  ElvesQueueMember member = member_of (element, "after");
  ElvesJsonValue name;
  gsize position = 0;
  if (member.value.kind == ELVES_JSON_ABSENT || member.value.kind == ELVES_JSON_NULL)
    return TRUE;
  if (member.value.kind != ELVES_JSON_ARRAY)
    return elves_queue_refuse (element->refusal, ELVES_QUEUE_FAULT_OTHER, "after",
                               "an array of names of tasks");
  while (elves_json_array_next (member.value, &position, &name))
    {
      char *text = elves_queue_member_word ((ElvesQueueMember){ name, "after" },
                                            ELVES_QUEUE_FAULT_OTHER, element->refusal);
      if (text == NULL)
        return FALSE;
      g_ptr_array_add (after, text);
    }
  return TRUE;
}

/**
 * elves_queue_submission_read_task:
 * @value: an element of tasks
 * @default_timeout_s: of a task that names none
 * @after: gets the names of the tasks that it needs
 *
 * Returns: (transfer full) (nullable): the task, with an id, and no needs yet
 */
ElvesQueueTask *
elves_queue_submission_read_task (ElvesJsonValue value,
                                  gint default_timeout_s,
                                  GPtrArray *after,
                                  ElvesRefusal *refusal)
{
  g_autoptr (ElvesQueueTask) task = g_new0 (ElvesQueueTask, 1);
  g_autoptr (ElvesJsonObject) object = NULL;
  task->needs = g_ptr_array_new_with_free_func (g_free);
  if (value.kind == ELVES_JSON_OBJECT)
    object = elves_json_object_parse (value.text, value.length, NULL);
  if (object == NULL)
    {
      elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_OTHER, "task", "an object");
      return NULL;
    }
  Element element = { object, refusal };
  if (!read_texts (&element, task) || !read_mode (&element, task) ||
      !read_timeout (&element, default_timeout_s, task) || !read_after (&element, after))
    return NULL;
  task->id = elves_job_new_id ();
  if (*task->app == '\0')
    g_clear_pointer (&task->app, g_free);
  return g_steal_pointer (&task);
}
