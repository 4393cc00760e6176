/* addTask wants its members as texts, as the original does (null and absent are [500] there, too);
 * what a scheduler would drop without a word is refused here instead: an empty ip or func, a mode
 * that is none. Extensions: on_failure of createQueue, depend_task_ids of addTask. */
#include "queue/order.h"

#include "common/error.h"

#include <string.h>

#define MAX_NEEDS 1000 /* of one task */
#define MAX_PAGE 10000

/* ---- members -------------------------------------------------------------------------------- */

static ElvesQueueMember
member_of (const ElvesRequest *request, const char *name)
{
  return (ElvesQueueMember){ elves_request_get (request, name), name };
}

static char *
text (const ElvesRequest *request, const char *name, ElvesRefusal *refusal)
{
  return elves_queue_member_text (member_of (request, name), refusal);
}

static char *
word (const ElvesRequest *request, const char *name, const char *fault, ElvesRefusal *refusal)
{
  return elves_queue_member_word (member_of (request, name), fault, refusal);
}

static gboolean
read_timeout (const ElvesRequest *request,
              gint default_s,
              gint *out_timeout_s,
              ElvesRefusal *refusal)
{
  g_autoptr (GError) error = NULL;
  gint64 timeout_s;
  if (!elves_request_number (request, "timeout", TRUE, 0, ELVES_QUEUE_MAX_TIMEOUT_S, 0, &timeout_s,
                             &error))
    {
      gboolean is_number = elves_request_get (request, "timeout").kind == ELVES_JSON_NUMBER;
      refusal->error_text = is_number ? ELVES_QUEUE_FAULT_TIMEOUT : ELVES_QUEUE_FAULT_OTHER;
      refusal->detail = g_strdup (error->message);
      return FALSE;
    }
  *out_timeout_s = timeout_s > 0 ? (gint) timeout_s : default_s;
  return TRUE;
}

/* ---- what a task depends on ----------------------------------------------------------------- */

static void
add_need (GPtrArray *needs, char *id)
{
  g_strstrip (id);
  if (*id == '\0' || g_ptr_array_find_with_equal_func (needs, id, g_str_equal, NULL))
    g_free (id);
  else
    g_ptr_array_add (needs, id);
}

static gboolean
read_many_needs (const ElvesRequest *request, GPtrArray *needs, ElvesRefusal *refusal)
{
  ElvesJsonValue list = elves_request_get (request, "depend_task_ids"), element;
  gsize position = 0;
  if (list.kind == ELVES_JSON_ABSENT || list.kind == ELVES_JSON_NULL)
    return TRUE;
  if (list.kind != ELVES_JSON_ARRAY)
    return elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_OTHER, "depend_task_ids",
                               "an array of ids");
  while (elves_json_array_next (list, &position, &element))
    {
      if (element.kind != ELVES_JSON_STRING || needs->len >= MAX_NEEDS)
        return elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_OTHER, "depend_task_ids",
                                   "at most 1000 ids");
      add_need (needs, elves_json_value_to_text (element));
    }
  return TRUE;
}

static gboolean
read_needs (const ElvesRequest *request, GPtrArray *needs, ElvesRefusal *refusal)
{
  gboolean has_many = elves_request_get (request, "depend_task_ids").kind == ELVES_JSON_ARRAY;
  gboolean has_one = elves_request_get (request, "depend_task_id").kind != ELVES_JSON_ABSENT;
  if (has_one || !has_many)
    {
      char *one = text (request, "depend_task_id", refusal);
      if (one == NULL)
        return FALSE;
      add_need (needs, one);
    }
  return read_many_needs (request, needs, refusal);
}

/* ---- requests ------------------------------------------------------------------------------- */

gboolean
elves_queue_read_create (const ElvesRequest *request,
                         ElvesOnFailure fallback,
                         char **out_app,
                         ElvesOnFailure *out_on_failure,
                         ElvesRefusal *out_refusal)
{
  g_autofree char *app = word (request, "app", ELVES_QUEUE_FAULT_APP, out_refusal);
  ElvesJsonValue policy = elves_request_get (request, "on_failure");
  if (app == NULL)
    return FALSE;
  *out_on_failure = fallback;
  if (policy.kind != ELVES_JSON_ABSENT)
    {
      g_autofree char *name = elves_json_value_to_text (policy);
      if (!elves_on_failure_from_text (name, out_on_failure))
        return elves_queue_refuse (out_refusal, ELVES_QUEUE_FAULT_OTHER, "on_failure",
                                   "pendding or skipped");
    }
  *out_app = g_steal_pointer (&app);
  return TRUE;
}

/**
 * elves_queue_read_task:
 * @request: addTask
 * @default_timeout_s: of a task that names none
 *
 * Returns: (transfer full) (nullable): the task; %NULL: @out_refusal says why not
 */
ElvesQueueTask *
elves_queue_read_task (const ElvesRequest *request,
                       gint default_timeout_s,
                       ElvesRefusal *out_refusal)
{
  g_autoptr (ElvesQueueTask) task = g_new0 (ElvesQueueTask, 1);
  task->needs = g_ptr_array_new_with_free_func (g_free);
  gboolean fine =
      (task->ip = word (request, "ip", ELVES_QUEUE_FAULT_IP, out_refusal)) != NULL &&
      (task->func = word (request, "func", ELVES_QUEUE_FAULT_FUNC, out_refusal)) != NULL &&
      (task->param = text (request, "param", out_refusal)) != NULL &&
      (task->proxy = text (request, "proxy", out_refusal)) != NULL &&
      (task->mode = elves_queue_member_mode (member_of (request, "mode"), out_refusal)) != NULL &&
      read_timeout (request, default_timeout_s, &task->timeout_s, out_refusal) &&
      read_needs (request, task->needs, out_refusal);
  return fine ? g_steal_pointer (&task) : NULL;
}

char *
elves_queue_read_id (const ElvesRequest *request, ElvesRefusal *out_refusal)
{
  return word (request, "id", ELVES_QUEUE_FAULT_OTHER, out_refusal);
}

gboolean
elves_queue_read_page (const ElvesRequest *request,
                       guint *out_size,
                       guint *out_number,
                       ElvesRefusal *out_refusal)
{
  g_autoptr (GError) error = NULL;
  gint64 size, number;
  if (!elves_request_number (request, "pagesize", FALSE, 0, MAX_PAGE, 0, &size, &error) ||
      !elves_request_number (request, "pagenumber", FALSE, 1, G_MAXINT32, 1, &number, &error))
    {
      out_refusal->error_text = ELVES_QUEUE_FAULT_OTHER;
      out_refusal->detail = g_strdup (error->message);
      return FALSE;
    }
  *out_size = (guint) size;
  *out_number = (guint) number;
  return TRUE;
}
