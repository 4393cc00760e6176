/* Jobs and queues that are there: shown, listed, cancelled. Each operation first looks whether the
 * queue is one of ours: those of others are not there, for us. */
#include "openapi/v3-private.h"

#include <string.h>

gboolean
elves_v3_is_job (const ElvesV3Call *self)
{
  return g_str_has_prefix (self->route->path, "/jobs");
}

const char *
elves_v3_owner (const ElvesV3Call *self)
{
  return elves_v3_is_job (self) ? ELVES_V3_OWNER : ELVES_V3_QUEUES_OWNER;
}

void
elves_v3_ask_queue (ElvesV3Call *self, const char *id, ElvesCallerFunc func)
{
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "id", id);
  elves_v3_ask (self, "queue", "queueDetail", body, 0, func);
}

ElvesJsonObject *
elves_v3_own_queue (ElvesV3Call *self, const ElvesCallerAnswer *answer, const GError *error)
{
  g_autoptr (ElvesJsonObject) queue = elves_v3_result (self, answer, error);
  g_autofree char *owner = queue != NULL ? elves_v3_text (queue, "owner") : NULL;

  if (queue == NULL)
    return NULL;
  if (strcmp (owner, elves_v3_owner (self)) == 0)
    return g_steal_pointer (&queue);
  elves_v3_fail (self, elves_v3_problem_of_text ("[412.1]"));
  return NULL;
}

/* ---- one ---- */

static void
on_found (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) queue = elves_v3_own_queue (call, answer, error);
  guint wait_ms;

  if (queue != NULL && elves_v3_query_wait (call, &wait_ms))
    elves_v3_wait_for_queue (call, call->ids[0], wait_ms, 200);
}

void
elves_v3_queues_show (ElvesV3Call *call)
{
  guint wait_ms;

  if (!elves_v3_query_wait (call, &wait_ms))
    return;
  if (wait_ms > 0)
    elves_v3_ask_queue (call, call->ids[0], on_found);
  else
    elves_v3_show_queue (call, call->ids[0], 200, FALSE);
}

/* ---- a list ---- */

typedef struct
{
  gint64 page, size;
} Page;

static void
on_list (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  const Page *page = call->state;
  GString *body;

  if (!elves_v3_went_well (call, answer, error))
    return;
  body = elves_v3_open ();
  elves_v3_add_list (body, "items", answer,
                     elves_v3_is_job (call) ? elves_v3_tell_job : elves_v3_tell_queue);
  elves_v3_add_page (body, answer, page->page, page->size);
  elves_json_close (body);
  elves_v3_answer (call, 200, body);
}

void
elves_v3_queues_list (ElvesV3Call *call)
{
  static const char *const filters[] = { "app", "name" };
  GString *body = elves_v3_open ();
  Page *page = g_new0 (Page, 1);

  elves_v3_call_keep (call, page, g_free);
  elves_json_add_text (body, "owner", elves_v3_owner (call));
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    if (*elves_v3_query_text (call, filters[i]) != '\0')
      elves_json_add_text (body, filters[i], elves_v3_query_text (call, filters[i]));
  if (elves_v3_query_page (call, body, &page->page, &page->size))
    elves_v3_ask (call, "queue", "findQueues", body, 0, on_list);
  else
    g_string_free (body, TRUE);
}

/* ---- its tasks ---- */

static void
on_tasks (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  GString *body;
  gint64 next;

  if (!elves_v3_went_well (call, answer, error))
    return;
  next = elves_v3_integer (answer->members, "next", 0);
  body = elves_v3_open ();
  elves_v3_add_list (body, "items", answer, elves_v3_tell_task);
  if (next > 0)
    elves_json_add_number (body, "next", next);
  else
    elves_v3_add_null (body, "next");
  elves_json_close (body);
  elves_v3_answer (call, 200, body);
}

/* FALSE: the call has ended. */
static gboolean
add_status (ElvesV3Call *call, GString *body)
{
  static const char *const ours[] = { "pending",   "running", "succeeded", "failed",
                                      "cancelled", "stopped", "skipped" };
  static const char *const theirs[] = { "pendding",  "running", "succeeded", "failed",
                                        "cancelled", "stopped", "skipped" };
  const char *wanted = elves_v3_query_text (call, "status");

  if (*wanted == '\0')
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    if (strcmp (wanted, ours[i]) == 0)
      {
        elves_json_add_text (body, "status", theirs[i]);
        return TRUE;
      }
  elves_v3_fail_with (call, 400, "bad-query", "status: there is none of this name.", NULL);
  return FALSE;
}

static void
on_owner_of_tasks (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) queue = elves_v3_own_queue (call, answer, error);
  GString *body;
  gint64 after, limit;

  if (queue == NULL || !elves_v3_query_number (call, "after", 0, G_MAXINT64, 0, &after) ||
      !elves_v3_query_number (call, "limit", 1, 1000, 100, &limit))
    return;
  body = elves_v3_open ();
  elves_json_add_text (body, "id", call->ids[0]);
  elves_json_add_number (body, "after", after);
  elves_json_add_number (body, "limit", limit);
  if (add_status (call, body))
    elves_v3_ask (call, "queue", "queueTasks", body, 0, on_tasks);
  else
    g_string_free (body, TRUE);
}

void
elves_v3_queues_tasks (ElvesV3Call *call)
{
  elves_v3_ask_queue (call, call->ids[0], on_owner_of_tasks);
}

/* ---- the end ---- */

static void
on_cancelled (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;

  if (elves_v3_went_well (call, answer, error))
    elves_v3_show_queue (call, call->ids[0], 202, FALSE);
}

static void
on_owner_of_cancel (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) queue = elves_v3_own_queue (call, answer, error);
  GString *body;

  if (queue == NULL)
    return;
  if (elves_v3_queue_has_ended (queue))
    {
      elves_v3_show_queue (call, call->ids[0], 200, FALSE);
      return;
    }
  body = elves_v3_open ();
  elves_json_add_text (body, "id", call->ids[0]);
  elves_v3_ask (call, "queue", "cancelQueue", body, 0, on_cancelled);
}

void
elves_v3_queues_cancel (ElvesV3Call *call)
{
  elves_v3_ask_queue (call, call->ids[0], on_owner_of_cancel);
}
