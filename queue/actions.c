/* What each action reads, does in the store, and answers. */
#include "queue/actions.h"

#include "common/json-writer.h"
#include "common/log.h"
#include "common/utf8.h"
#include "queue/history.h"
#include "queue/metrics.h"
#include "queue/progress.h"

#include <string.h>

#define NOT_FOUND "[412.1]Queue Not Found"
#define NOT_FOUND_BY_ADD "[412.1]Queue Not Found!" /* the original differs so */
#define WRONG_STATE "[412.2]Queue Status Incorrect!"
#define NO_PARENT "[412.4]Depend Task Not Found"
#define LIMIT "[412.5]Queue Limit Reached"
#define OTHER_CONTENT "[412.5]Key Used For Another Queue"
#define NO_TASK "[412.7]Task Not Found"
#define TOO_LARGE "[500]Result Too Large"

/* ---- answers -------------------------------------------------------------------------------- */

static const char *
verdict_text (ElvesQueueVerdict verdict)
{
  switch (verdict)
    {
    case ELVES_VERDICT_NO_QUEUE:
      return NOT_FOUND;
    case ELVES_VERDICT_WRONG_STATE:
      return WRONG_STATE;
    case ELVES_VERDICT_NO_PARENT:
      return NO_PARENT;
    case ELVES_VERDICT_LIMIT:
      return LIMIT;
    case ELVES_VERDICT_NO_TASK:
      return NO_TASK;
    case ELVES_VERDICT_OTHER_CONTENT:
      return OTHER_CONTENT;
    case ELVES_VERDICT_DONE:
    case ELVES_VERDICT_LATE:
    default:
      return NULL;
    }
}

void
elves_queue_errand_refuse_verdict (ElvesQueueErrand *self, const char *detail)
{
  elves_queue_errand_refuse (self, verdict_text (self->verdict), detail);
}

static void
answer_id (ElvesQueueErrand *self)
{
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  elves_json_add_text (body, "id", self->id);
  elves_json_close (body);
  elves_queue_errand_answer (self, body);
}

static void
answer_flag (ElvesQueueErrand *self)
{
  elves_component_reply_flag (self->desk->component, g_steal_pointer (&self->request));
}

/* ---- createQueue ---------------------------------------------------------------------------- */

static gboolean
read_create (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  return elves_queue_read_create (self->request, self->desk->options.config->on_failure, &self->app,
                                  &self->on_failure, out_refusal);
}

static gboolean
run_create (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_tx_create (tx, &self->change, self->app, self->on_failure, &self->id,
                                &self->verdict, error);
}

static void
done_create (ElvesQueueErrand *self)
{
  if (self->verdict != ELVES_VERDICT_DONE)
    {
      elves_queue_errand_refuse_verdict (self, "too many queues have not ended (queue.maxOpen)");
      return;
    }
  elves_queue_metrics.queues_created++;
  answer_id (self);
}

/* ---- addTask -------------------------------------------------------------------------------- */

static gboolean
read_add (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  gint timeout_s = (gint) self->desk->options.config->default_timeout_s;
  self->queue_id = elves_queue_read_id (self->request, out_refusal);
  if (self->queue_id == NULL)
    return FALSE;
  self->task = elves_queue_read_task (self->request, timeout_s, out_refusal);
  return self->task != NULL;
}

static gboolean
run_add (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_tx_add (tx, &self->change, self->queue_id, self->task, &self->id,
                             &self->verdict, error);
}

static void
done_add (ElvesQueueErrand *self)
{
  if (self->verdict == ELVES_VERDICT_NO_QUEUE)
    elves_queue_errand_refuse (self, NOT_FOUND_BY_ADD, NULL);
  else if (self->verdict == ELVES_VERDICT_LIMIT)
    elves_queue_errand_refuse (self, LIMIT,
                               "the queue has all it may have (queue.maxTasks, queue.maxBytes)");
  else if (self->verdict != ELVES_VERDICT_DONE)
    elves_queue_errand_refuse_verdict (self, NULL);
  else
    {
      elves_queue_metrics.tasks_added++;
      answer_id (self);
    }
}

/* ---- commitQueue, stopQueue ----------------------------------------------------------------- */

ElvesQueueMember
elves_queue_member (const ElvesRequest *request, const char *name)
{
  return (ElvesQueueMember){ elves_request_get (request, name), name };
}

gboolean
elves_queue_action_read_id (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  self->queue_id = elves_queue_read_id (self->request, out_refusal);
  return self->queue_id != NULL;
}

static gboolean
run_commit (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_tx_commit (tx, &self->change, self->queue_id, &self->verdict, error);
}

static void
done_commit (ElvesQueueErrand *self)
{
  if (self->verdict != ELVES_VERDICT_DONE)
    {
      elves_queue_errand_refuse_verdict (self, NULL);
      return;
    }
  elves_queue_metrics.queues_committed++;
  answer_flag (self);
}

static gboolean
run_stop (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_tx_stop (tx, &self->change, self->queue_id, &self->verdict, error);
}

static void
done_stop (ElvesQueueErrand *self)
{
  if (self->verdict != ELVES_VERDICT_DONE)
    {
      elves_queue_errand_refuse_verdict (self, NULL);
      return;
    }
  elves_queue_metrics.queues_stopped++;
  answer_flag (self);
}

static gboolean
run_delete (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  elves_queue_effects_touch (&self->effects, self->queue_id);
  return elves_queue_tx_delete (tx, self->queue_id, &self->verdict, error);
}

static void
done_delete (ElvesQueueErrand *self)
{
  if (self->verdict == ELVES_VERDICT_DONE)
    answer_flag (self);
  else
    elves_queue_errand_refuse_verdict (self, self->verdict == ELVES_VERDICT_WRONG_STATE
                                                 ? "stop it, and wait for what runs"
                                                 : NULL);
}

/* ---- queueResult, queueList ----------------------------------------------------------------- */

static gboolean
read_list (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  self->page.max_bytes = self->desk->options.config->mq.max_message_bytes;
  return elves_queue_read_page (self->request, &self->page.page_size, &self->page.page,
                                out_refusal);
}

static gboolean
read_result (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  return elves_queue_action_read_id (self, out_refusal) && read_list (self, out_refusal);
}

static gboolean
run_result (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_view_result (tx, self->queue_id, &self->page, &self->body, &self->view_verdict,
                                  error);
}

static gboolean
run_list (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  self->view_verdict = ELVES_VIEW_DONE;
  return elves_queue_view_list (tx, &self->page, &self->body, error);
}

static void
done_view (ElvesQueueErrand *self)
{
  if (self->view_verdict == ELVES_VIEW_NO_QUEUE)
    elves_queue_errand_refuse (self, NOT_FOUND, NULL);
  else if (self->view_verdict == ELVES_VIEW_TOO_LARGE)
    elves_queue_errand_refuse (self, TOO_LARGE, "ask for it in pages (pagesize, pagenumber)");
  else
    elves_component_reply (self->desk->component, g_steal_pointer (&self->request),
                           g_steal_pointer (&self->body));
}

/* ---- taskResult ----------------------------------------------------------------------------- */

static void
cut_message (ElvesQueueErrand *self)
{
  guint limit = self->desk->options.config->max_result_bytes;
  gsize length = strlen (self->result.worker_message);
  if (length <= limit)
    return;
  char *cut = elves_utf8_clean (self->result.worker_message, length, limit, NULL);
  g_free (self->result.worker_message);
  self->result.worker_message = cut;
  g_info ("a message of a worker was cut task=%s bytes=%" G_GSIZE_FORMAT, self->result.id, length);
}

static gboolean
read_outcome (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  g_autoptr (GError) error = NULL;
  guint held_back;
  if (elves_request_read_result (self->request, &self->result, &error))
    {
      cut_message (self);
      return TRUE;
    }
  if (elves_log_throttle_pass (&self->desk->bad_log, g_get_monotonic_time (), &held_back))
    g_warning ("a result is none: %s held_back=%u", error->message, held_back);
  elves_component_done (self->desk->component, g_steal_pointer (&self->request));
  return FALSE;
}

static gboolean
run_outcome (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  const ElvesComponentResult *result = &self->result;
  ElvesTaskOutcome outcome = {
    .flag = result->delivered ? "true" : "false",
    .error = result->error,
    .reason = result->reason,
    .worker_flag = result->worker_flag,
    .worker_message = result->worker_message,
    .worker_cost_ms = result->worker_cost_ms,
  };
  return elves_queue_tx_end_task (tx, &self->change, result->id, &outcome, &self->verdict, error);
}

static void
done_outcome (ElvesQueueErrand *self)
{
  gboolean success = self->result.delivered && self->result.worker_flag == 1;
  if (self->verdict == ELVES_VERDICT_LATE)
    elves_queue_metrics.results_late++;
  else if (success)
    elves_queue_metrics.tasks_succeeded++;
  else if (strcmp (self->result.reason, "cancelled") == 0)
    elves_queue_metrics.tasks_cancelled++;
  else
    elves_queue_metrics.tasks_failed++;
  g_debug ("result task=%s flag=%d late=%d", self->result.id, self->result.worker_flag,
           self->verdict == ELVES_VERDICT_LATE);
  elves_component_done (self->desk->component, g_steal_pointer (&self->request));
}

/* ---- the table ------------------------------------------------------------------------------ */

static const ElvesQueueErrandKind create = { read_create, run_create, done_create, FALSE };
static const ElvesQueueErrandKind add = { read_add, run_add, done_add, FALSE };
static const ElvesQueueErrandKind commit = { elves_queue_action_read_id, run_commit, done_commit,
                                             FALSE };
static const ElvesQueueErrandKind stop = { elves_queue_action_read_id, run_stop, done_stop, FALSE };
static const ElvesQueueErrandKind remove_it = { elves_queue_action_read_id, run_delete, done_delete,
                                                FALSE };
static const ElvesQueueErrandKind result = { read_result, run_result, done_view, FALSE };
static const ElvesQueueErrandKind list = { read_list, run_list, done_view, FALSE };
static const ElvesQueueErrandKind outcome = { read_outcome, run_outcome, done_outcome, TRUE };

static const struct
{
  const char *name;
  const ElvesQueueErrandKind *kind;
} table[] = {
  { "createQueue", &create },
  { "addTask", &add },
  { "commitQueue", &commit },
  { "stopQueue", &stop },
  { "queueResult", &result },
  { "queueList", &list },
  { "taskResult", &outcome },
  { "deleteQueue", &remove_it },
  { "submitQueue", &elves_queue_action_submit },
  { "queueDetail", &elves_queue_action_detail },
  { "queueTasks", &elves_queue_action_tasks },
  { "queueChanges", &elves_queue_action_changes },
  { "cancelQueue", &elves_queue_action_cancel },
  { "cancelTask", &elves_queue_action_cancel_task },
  { "findQueues", &elves_queue_action_find },
};
G_STATIC_ASSERT (G_N_ELEMENTS (table) <= ELVES_QUEUE_MAX_ACTIONS);

const char *
elves_queue_action_name (guint i)
{
  return i < G_N_ELEMENTS (table) ? table[i].name : NULL;
}

/**
 * elves_queue_errand_kind:
 * @action: one of elves_queue_action_name()
 */
const ElvesQueueErrandKind *
elves_queue_errand_kind (const char *action)
{
  guint i = 0;
  while (strcmp (table[i].name, action) != 0)
    i++;
  return table[i].kind;
}
