/* One connection carries one errand at a time, then waits for the next one to that agent.
 *
 * Both methods may be called twice without harm: when a kept connection turns out to be dead, the
 * errand is run once more on a new one. One deadline for each connection: for the answer, or for
 * the end of its idle time. The number of connections is bounded; beyond it an errand fails at
 * once. */
#include "scheduler/errands.h"

#include "common/error.h"

typedef struct
{
  ElvesErrands *errands;
  char *host;
  guint16 port;
  ElvesThriftLink *link; /* (nullable): there are too many */
  gboolean was_kept;     /* it carried another one before */
  ElvesErrand errand;    /* under way; host not used */
  ElvesErrandFunc func;  /* NULL: idle */
  gpointer user_data;
  ElvesDeadline deadline;
  GList place;
} Carrier;

struct ElvesErrands
{
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesErrandOptions options;
  GQueue idle, busy; /* of Carrier, by its place; idle: last used first */
};

/**
 * elves_errands_new:
 * @poller: must outlive it
 * @deadlines: must outlive it
 * @options: limits and times
 *
 * Returns: (transfer full): it, without connections
 */
ElvesErrands *
elves_errands_new (ElvesPoller *poller,
                   ElvesDeadlines *deadlines,
                   const ElvesErrandOptions *options)
{
  ElvesErrands *self = g_new0 (ElvesErrands, 1);

  self->poller = poller;
  self->deadlines = deadlines;
  self->options = *options;
  return self;
}

static GQueue *
queue_of (Carrier *carrier)
{
  return carrier->func != NULL ? &carrier->errands->busy : &carrier->errands->idle;
}

static void
carrier_free (Carrier *carrier)
{
  g_queue_unlink (queue_of (carrier), &carrier->place);
  elves_deadlines_disarm (carrier->errands->deadlines, &carrier->deadline);
  elves_thrift_link_free (carrier->link);
  g_clear_pointer (&carrier->errand.question, elves_instruct_unref);
  g_free (carrier->host);
  g_free (carrier);
}

/**
 * elves_errands_free:
 * @self: (nullable): it
 */
void
elves_errands_free (ElvesErrands *self)
{
  if (self == NULL)
    return;

  while (self->idle.head != NULL)
    carrier_free (self->idle.head->data);
  while (self->busy.head != NULL)
    carrier_free (self->busy.head->data);
  g_free (self);
}

static void
arm (Carrier *carrier, gint64 after_ms, ElvesDeadlineFunc func)
{
  elves_deadlines_arm (carrier->errands->deadlines, &carrier->deadline,
                       g_get_monotonic_time () + after_ms * 1000, func, carrier);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void
on_idle_over (ElvesDeadline *deadline, gpointer user_data)
{
  carrier_free (user_data);
}

/* The carrier is idle, and may be taken for another errand from inside. */
static void
end (Carrier *carrier, const ElvesErrandEnd *how)
{
  ElvesErrandFunc func = carrier->func;

  g_queue_unlink (&carrier->errands->busy, &carrier->place);
  carrier->func = NULL;
  g_queue_push_head_link (&carrier->errands->idle, &carrier->place);
  g_clear_pointer (&carrier->errand.question, elves_instruct_unref);
  arm (carrier, carrier->errands->options.idle_s * G_GINT64_CONSTANT (1000), on_idle_over);
  func (how, carrier->user_data);
}

/* The connection is of no more use. */
static void
fail (Carrier *carrier, const char *problem)
{
  ElvesErrandFunc func = carrier->func;
  gpointer user_data = carrier->user_data;
  g_autofree char *text =
      g_strdup_printf ("agent %s:%u: %s", carrier->host, carrier->port, problem);

  carrier_free (carrier);
  if (func != NULL)
    func (&(ElvesErrandEnd){ .problem = text }, user_data);
}

static void
on_no_answer (ElvesDeadline *deadline, gpointer user_data)
{
  Carrier *carrier = user_data;
  g_autofree char *problem =
      g_strdup_printf ("no answer within %u ms", carrier->errands->options.timeout_ms);

  fail (carrier, problem);
}

static void
on_too_many (ElvesDeadline *deadline, gpointer user_data)
{
  fail (user_data, "too many connections for questions (agents.maxLinks)");
}

/* FALSE: it is no answer. */
static gboolean
end_with (Carrier *carrier, const guint8 *bytes, gsize length, GError **error)
{
  g_autoptr (ElvesReinstruct) answer = NULL;
  g_auto (ElvesOutputChunk) chunk = { 0 };
  gint32 seqid;
  ElvesErrandEnd how = { 0 };

  if (carrier->errand.method == ELVES_RPC_CANCEL)
    {
      if (!elves_rpc_decode_reinstruct (bytes, length, ELVES_RPC_CANCEL, &seqid, &answer, error))
        return FALSE;
      how.answer = answer;
    }
  else
    {
      if (!elves_rpc_decode_output (bytes, length, &seqid, &chunk, error))
        return FALSE;
      how.chunk = &chunk;
    }
  end (carrier, &how);
  return TRUE;
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  Carrier *carrier = user_data;
  g_autoptr (GError) error = NULL;

  if (carrier->func == NULL)
    carrier_free (carrier); /* nobody had asked */
  else if (!end_with (carrier, bytes, length, &error))
    {
      if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
        end (carrier, &(ElvesErrandEnd){ .is_unknown = TRUE });
      else
        fail (carrier, error->message);
    }
}

/* --- calls ----------------------------------------------------------------------------------- */

static void connect_and_send (Carrier *carrier);

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  Carrier *carrier = user_data;

  if (carrier->func != NULL && carrier->was_kept)
    {
      carrier->was_kept = FALSE;
      elves_thrift_link_free (carrier->link);
      connect_and_send (carrier);
    }
  else
    fail (carrier, error != NULL ? error->message : "it closed the connection");
}

static void
send (Carrier *carrier)
{
  const ElvesErrand *errand = &carrier->errand;
  GByteArray *out = elves_thrift_link_output (carrier->link);

  if (errand->method == ELVES_RPC_CANCEL)
    elves_rpc_encode_cancel (out, 0, errand->question);
  else
    elves_rpc_encode_read_output (out, 0, errand->question, errand->offset, errand->limit);
  elves_thrift_link_flush (carrier->link);
  arm (carrier, carrier->errands->options.timeout_ms, on_no_answer);
}

static void
connect_and_send (Carrier *carrier)
{
  static const ElvesThriftLinkCallbacks callbacks = { .message = on_message, .closed = on_closed };

  carrier->link = elves_thrift_link_connect (carrier->errands->poller, carrier->host, carrier->port,
                                             &carrier->errands->options.link, &callbacks, carrier);
  send (carrier);
}

/* (nullable): an idle one to the same agent. */
static Carrier *
take_idle (ElvesErrands *self, const ElvesErrand *errand)
{
  for (GList *place = self->idle.head; place != NULL; place = place->next)
    {
      Carrier *carrier = place->data;

      if (carrier->port != errand->port || !g_str_equal (carrier->host, errand->host))
        continue;
      g_queue_unlink (&self->idle, place);
      carrier->was_kept = TRUE;
      return carrier;
    }
  return NULL;
}

static Carrier *
carrier_new (ElvesErrands *self, const ElvesErrand *errand)
{
  Carrier *carrier = g_new0 (Carrier, 1);

  carrier->errands = self;
  carrier->host = g_strdup (errand->host);
  carrier->port = errand->port;
  carrier->place.data = carrier;
  return carrier;
}

static gboolean
is_full (ElvesErrands *self)
{
  if (self->idle.length + self->busy.length < self->options.max_links)
    return FALSE;
  if (self->idle.length == 0)
    return TRUE;
  carrier_free (self->idle.tail->data);
  return FALSE;
}

/**
 * elves_errands_run:
 * @self: it
 * @errand: copied
 * @func: told what came of it
 * @user_data: for @func
 */
void
elves_errands_run (ElvesErrands *self,
                   const ElvesErrand *errand,
                   ElvesErrandFunc func,
                   gpointer user_data)
{
  Carrier *carrier = take_idle (self, errand);
  gboolean refused = carrier == NULL && is_full (self);

  if (carrier == NULL)
    carrier = carrier_new (self, errand);
  carrier->errand = *errand;
  carrier->errand.question = elves_instruct_ref (errand->question);
  carrier->func = func;
  carrier->user_data = user_data;
  g_queue_push_tail_link (&self->busy, &carrier->place);
  if (refused)
    arm (carrier, 0, on_too_many);
  else if (carrier->link != NULL)
    send (carrier);
  else
    connect_and_send (carrier);
}
