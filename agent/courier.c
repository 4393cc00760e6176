/* dataTransport calls to one scheduler.
 *
 * A few connections, kept while they are used, one call at a time on each: an original scheduler
 * serves a connection by a thread of its own and reads the next call only after it answered. Until
 * one connection stands, only one is tried, however many results wait: a scheduler that is away
 * costs one attempt.
 *
 * A kept connection may have been closed by the peer just when a call left: the result goes once
 * more, over a new one. A scheduler must take a result twice anyway.
 *
 * It does not try again by itself: see agent/outbox.
 */
#include "agent/courier.h"

#include "common/names.h"
#include "common/rpc-codec.h"
#include "common/thrift-link.h"

#define IDLE_CLOSE_US (15 * G_USEC_PER_SEC) /* an unused connection costs the peer a thread */

typedef struct
{
  ElvesReinstruct *result;
  gpointer tag;   /* the caller's */
  gboolean again; /* it was on a kept connection that was closed */
} Parcel;

typedef struct
{
  ElvesCourier *courier;
  ElvesThriftLink *link;
  Parcel *parcel; /* (nullable) sent, its answer is due */
  guint calls;    /* answered */
  gboolean open;
  ElvesDeadline deadline;
} Line;

struct ElvesCourier
{
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  char *host;
  guint16 port;
  guint max_links;
  guint timeout_ms;
  ElvesCarriedFunc carried;
  gpointer user_data;
  GPtrArray *lines;
  GQueue waiting; /* of Parcel */
  gboolean reachable;
  gint32 seqid;
};

static void on_line_due (ElvesDeadline *deadline, gpointer user_data);
static void dispatch (ElvesCourier *self);

static void
parcel_free (Parcel *parcel)
{
  elves_reinstruct_unref (parcel->result);
  g_free (parcel);
}

static void
line_free (Line *line)
{
  elves_deadlines_disarm (line->courier->deadlines, &line->deadline);
  elves_thrift_link_free (line->link);
  if (line->parcel != NULL)
    parcel_free (line->parcel);
  g_free (line);
}

static void
end_parcel (ElvesCourier *self, Parcel *parcel, ElvesCarried how, const char *detail)
{
  gpointer tag = parcel->tag;
  parcel_free (parcel);
  self->carried (self, tag, how, detail, self->user_data);
}

static void
arm (Line *line, gint64 at_us)
{
  elves_deadlines_arm (line->courier->deadlines, &line->deadline, at_us, on_line_due, line);
}

static gint64
timeout_us (const ElvesCourier *self)
{
  return (gint64) self->timeout_ms * 1000;
}

static void
line_send (Line *line, Parcel *parcel)
{
  ElvesCourier *self = line->courier;
  line->parcel = parcel;
  self->seqid = self->seqid == G_MAXINT32 ? 1 : self->seqid + 1;
  elves_rpc_encode_data_transport (elves_thrift_link_output (line->link), self->seqid,
                                   parcel->result);
  elves_thrift_link_flush (line->link);
  arm (line, g_get_monotonic_time () + timeout_us (self));
}

static void
fail_waiting (ElvesCourier *self, const char *detail)
{
  /* Whoever is told may send the next at once: that one is not of this lot. */
  GQueue failed = self->waiting;
  g_queue_init (&self->waiting);
  Parcel *parcel;
  while ((parcel = g_queue_pop_head (&failed)) != NULL)
    end_parcel (self, parcel, ELVES_CARRIED_UNREACHABLE, detail);
}

/* The line is gone. What was on it is sent once more, or not taken; who waits goes on. */
static void
line_ended (Line *line, const char *detail)
{
  ElvesCourier *self = line->courier;
  Parcel *parcel = g_steal_pointer (&line->parcel);
  gboolean never_open = !line->open;
  gboolean stale = line->calls > 0;
  g_ptr_array_remove_fast (self->lines, line);

  if (never_open)
    self->reachable = FALSE; /* no further line until one of these has carried something */
  if (parcel != NULL && stale && !parcel->again)
    {
      parcel->again = TRUE;
      g_queue_push_head (&self->waiting, parcel);
    }
  else if (parcel != NULL)
    end_parcel (self, parcel, ELVES_CARRIED_REFUSED, detail);

  if (never_open && self->lines->len == 0)
    fail_waiting (self, detail);
  dispatch (self);
}

static void
on_line_due (ElvesDeadline *deadline, gpointer user_data)
{
  Line *line = user_data;
  if (line->parcel == NULL)
    {
      line_ended (line, "unused");
      return;
    }
  gint64 due_us = elves_thrift_link_last_activity_us (line->link) + timeout_us (line->courier);
  if (due_us > g_get_monotonic_time ())
    arm (line, due_us);
  else
    {
      line->parcel->again = TRUE; /* it was read, perhaps: not a second time at once */
      line_ended (line, "no answer in time");
    }
}

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  Line *line = user_data;
  line->open = TRUE;
  line->courier->reachable = TRUE;
  arm (line, g_get_monotonic_time () + IDLE_CLOSE_US);
  dispatch (line->courier);
}

static ElvesCarried
meaning_of (const char *answer)
{
  if (g_str_equal (answer, ELVES_RESULT_TAKEN))
    return ELVES_CARRIED_TAKEN;
  return g_str_equal (answer, ELVES_RESULT_NOT_HELD) ? ELVES_CARRIED_NOT_HELD
                                                     : ELVES_CARRIED_REFUSED;
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  Line *line = user_data;
  ElvesCourier *self = line->courier;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gint32 seqid = 0;
  gboolean understood =
      elves_rpc_decode_text (bytes, length, ELVES_RPC_DATA_TRANSPORT, &seqid, &text, &error);
  if (line->parcel == NULL)
    {
      line_ended (line, "an answer that nobody asked for");
      return;
    }
  Parcel *parcel = g_steal_pointer (&line->parcel);
  line->calls++;
  arm (line, g_get_monotonic_time () + IDLE_CLOSE_US);
  ElvesCarried how = understood ? meaning_of (text) : ELVES_CARRIED_REFUSED;
  self->reachable |= how == ELVES_CARRIED_TAKEN;
  end_parcel (self, parcel, how, understood ? text : error->message);
  dispatch (self);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  g_autofree char *detail =
      g_strdup (error != NULL ? error->message : "the scheduler closed the connection");
  line_ended (user_data, detail);
}

static void
open_line (ElvesCourier *self)
{
  static const ElvesThriftLinkCallbacks callbacks = { .opened = on_opened,
                                                      .message = on_message,
                                                      .closed = on_closed };
  ElvesThriftLinkOptions options = {
    .limits = elves_thrift_default_limits,
    .connect_timeout_ms = self->timeout_ms,
    .output_limit_bytes = G_MAXSIZE, /* one call at a time: its size is bounded elsewhere */
  };
  Line *line = g_new0 (Line, 1);
  line->courier = self;
  line->link =
      elves_thrift_link_connect (self->poller, self->host, self->port, &options, &callbacks, line);
  g_ptr_array_add (self->lines, line);
}

static Line *
find_free_line (const ElvesCourier *self)
{
  for (guint i = 0; i < self->lines->len; i++)
    {
      Line *line = self->lines->pdata[i];
      if (line->open && line->parcel == NULL)
        return line;
    }
  return NULL;
}

static guint
count_connecting (const ElvesCourier *self)
{
  guint count = 0;
  for (guint i = 0; i < self->lines->len; i++)
    count += !((const Line *) self->lines->pdata[i])->open;
  return count;
}

static void
dispatch (ElvesCourier *self)
{
  for (Line *line; !g_queue_is_empty (&self->waiting) && (line = find_free_line (self)) != NULL;)
    line_send (line, g_queue_pop_head (&self->waiting));

  guint limit = self->reachable ? self->max_links : 1;
  for (guint wanted = count_connecting (self);
       wanted < g_queue_get_length (&self->waiting) && self->lines->len < limit; wanted++)
    open_line (self);
}

/**
 * elves_courier_new:
 * @poller: for the connections
 * @deadlines: for their timeouts; must outlive the courier
 * @options: whereto; copied
 * @carried: what became of each result
 * @user_data: for @carried
 *
 * Returns: (transfer full): a courier; it connects when there is something to carry
 */
ElvesCourier *
elves_courier_new (ElvesPoller *poller,
                   ElvesDeadlines *deadlines,
                   const ElvesCourierOptions *options,
                   ElvesCarriedFunc carried,
                   gpointer user_data)
{
  ElvesCourier *self = g_new0 (ElvesCourier, 1);
  self->poller = poller;
  self->deadlines = deadlines;
  self->host = g_strdup (options->host);
  self->port = options->port;
  self->max_links = options->max_links;
  self->timeout_ms = options->timeout_ms;
  self->carried = carried;
  self->user_data = user_data;
  self->lines = g_ptr_array_new_with_free_func ((GDestroyNotify) line_free);
  g_queue_init (&self->waiting);
  return self;
}

/**
 * elves_courier_free:
 * @self: (nullable): a courier; what it carries is dropped without a word
 */
void
elves_courier_free (ElvesCourier *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->lines);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) parcel_free);
  g_free (self->host);
  g_free (self);
}

/**
 * elves_courier_send:
 * @self: a courier
 * @result: what to carry; a reference is taken
 * @parcel: handed back with the outcome
 */
void
elves_courier_send (ElvesCourier *self, ElvesReinstruct *result, gpointer parcel)
{
  Parcel *entry = g_new0 (Parcel, 1);
  entry->result = elves_reinstruct_ref (result);
  entry->tag = parcel;
  g_queue_push_tail (&self->waiting, entry);
  dispatch (self);
}

/**
 * elves_courier_is_idle:
 * @self: a courier
 *
 * Returns: whether it has nothing to carry and no connection
 */
gboolean
elves_courier_is_idle (const ElvesCourier *self)
{
  return self->lines->len == 0 && self->waiting.length == 0;
}
