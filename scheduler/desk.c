/* Requests to the scheduler itself.
 *
 * A message comes here only when it is no job, so that jobs do not pay for it. The number of visits
 * is bounded by mq.prefetch: each keeps its delivery. One that is given out again is done again:
 * nothing here does harm twice. */
#include "scheduler/desk-private.h"

#include <string.h>

/**
 * elves_desk_new:
 * @parts: what it works with; the struct is copied
 *
 * Returns: (transfer full): a desk
 */
ElvesDesk *
elves_desk_new (const ElvesDeskParts *parts)
{
  ElvesDesk *self = g_new0 (ElvesDesk, 1);

  self->parts = *parts;
  return self;
}

static void
visit_free (ElvesVisit *visit)
{
  g_queue_unlink (&visit->desk->visits, &visit->place);
  elves_deadlines_disarm (visit->desk->parts.deadlines, &visit->timer);
  g_clear_pointer (&visit->question, elves_instruct_unref);
  elves_request_free (visit->request);
  g_free (visit);
}

/**
 * elves_desk_free:
 * @self: (nullable): a desk; what is under way is given back to the broker
 */
void
elves_desk_free (ElvesDesk *self)
{
  if (self == NULL)
    return;

  while (self->visits.head != NULL)
    visit_free (self->visits.head->data);
  g_free (self);
}

/* --- answers --------------------------------------------------------------------------------- */

static void
on_answer_sent (gboolean routed, gpointer user_data)
{
  ElvesVisit *visit = user_data;
  const ElvesDeskParts *parts = &visit->desk->parts;

  parts->done (visit->epoch, visit->tag, parts->user_data);
  visit_free (visit);
}

static void
send (ElvesVisit *self, const char *error_text, GString *body)
{
  const ElvesDeskParts *parts = &self->desk->parts;
  ElvesPublication *publication =
      elves_request_answer (self->request, parts->rules, error_text, body);

  if (publication != NULL)
    elves_replies_send (parts->replies, publication, on_answer_sent, self);
  else
    on_answer_sent (TRUE, self);
}

void
elves_visit_answer (ElvesVisit *self, GString *body)
{
  send (self, "", body);
}

/* @detail: (nullable) */
void
elves_visit_refuse (ElvesVisit *self, const char *error_text, const char *detail)
{
  send (self, error_text, elves_request_error_body (error_text, detail));
}

GString *
elves_visit_begin_answer (void)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  return body;
}

/* --- requests -------------------------------------------------------------------------------- */

static const struct
{
  const char *action;
  void (*handle) (ElvesVisit *visit);
} actions[] = {
  { "agents", elves_desk_agents },
  { "cancelJob", elves_desk_cancel_job },
  { "readOutput", elves_desk_read_output },
};

static ElvesVisit *
visit_new (ElvesDesk *self, ElvesRequest *request, const ElvesDelivery *delivery)
{
  ElvesVisit *visit = g_new0 (ElvesVisit, 1);

  visit->desk = self;
  visit->request = request;
  visit->epoch = delivery->epoch;
  visit->tag = delivery->tag;
  visit->place.data = visit;
  g_queue_push_tail_link (&self->visits, &visit->place);
  return visit;
}

/**
 * elves_desk_take:
 * @self: the desk
 * @delivery: a message that asks for no job; stays the caller's
 *
 * Returns: whether it asks for something here; then the desk sees to its acknowledgement.
 */
gboolean
elves_desk_take (ElvesDesk *self, const ElvesDelivery *delivery)
{
  ElvesRequestMessage message = {
    .properties = { delivery->reply_to, delivery->correlation_id, delivery->message_id },
    .body = delivery->body,
    .redelivered = delivery->redelivered,
  };
  g_autoptr (ElvesRequest) request = elves_request_parse (self->parts.rules, &message, NULL);

  if (request == NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (strcmp (elves_request_action (request), actions[i].action) == 0)
      {
        actions[i].handle (visit_new (self, g_steal_pointer (&request), delivery));
        return TRUE;
      }
  return FALSE;
}
