/* Results on their way to one scheduler.
 *
 * A few connections, kept while they are used, one call at a time on each: an original scheduler
 * serves a connection by a thread of its own and reads the next call only after it answered. A
 * scheduler that takes lists gets all that came in one turn in one call (dataTransportList), any
 * other one a call for each result. Until one connection stands, only one is tried, however many
 * results wait: a scheduler that is away costs one attempt.
 *
 * A kept connection may have been closed by the peer just when a call left: its results go once
 * more, over a new one. A scheduler must take a result twice anyway. One that does not know lists,
 * whatever it has registered, gets the results of that call one by one.
 *
 * It does not try again by itself: see agent/outbox.
 */
#include "agent/courier.h"

#include "common/error.h"
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
  GQueue load;     /* of Parcel: sent, their answer is due */
  gboolean listed; /* in one list */
  guint calls;     /* answered */
  gboolean open;
  ElvesDeadline deadline;
} Line;

struct ElvesCourier
{
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  char *host;
  ElvesCourierOptions options;
  ElvesCarriedFunc carried;
  gpointer user_data;
  GPtrArray *lines;
  GQueue waiting; /* of Parcel */
  ElvesDeferred turn_end;
  gboolean takes_lists, knows_no_lists;
  gboolean reachable;
  gint32 seqid;
};

static void on_line_due (ElvesDeadline *deadline, gpointer user_data);
static void dispatch (ElvesCourier *self);

static void
parcel_free (gpointer data)
{
  Parcel *parcel = data;
  elves_reinstruct_unref (parcel->result);
  g_free (parcel);
}

static void
line_free (Line *line)
{
  elves_deadlines_disarm (line->courier->deadlines, &line->deadline);
  elves_thrift_link_free (line->link);
  g_queue_clear_full (&line->load, parcel_free);
  g_free (line);
}

static void
end_parcel (ElvesCourier *self, Parcel *parcel, ElvesCarried how, const char *detail)
{
  gpointer tag = parcel->tag;
  parcel_free (parcel);
  self->carried (self, tag, how, detail, self->user_data);
}

/* Whoever is told may send the next at once: that one is not of this lot. */
static void
end_parcels (ElvesCourier *self, GQueue *parcels, ElvesCarried how, const char *detail)
{
  Parcel *parcel;
  while ((parcel = g_queue_pop_head (parcels)) != NULL)
    end_parcel (self, parcel, how, detail);
}

static GQueue
steal (GQueue *queue)
{
  GQueue stolen = *queue;
  g_queue_init (queue);
  return stolen;
}

static void
arm (Line *line, gint64 at_us)
{
  elves_deadlines_arm (line->courier->deadlines, &line->deadline, at_us, on_line_due, line);
}

static gint64
timeout_us (const ElvesCourier *self)
{
  return (gint64) self->options.timeout_ms * 1000;
}

static gboolean
uses_lists (const ElvesCourier *self)
{
  return self->takes_lists && !self->knows_no_lists;
}

/* ---- sending -------------------------------------------------------------------------------- */

static gsize
size_of (const ElvesReinstruct *result)
{
  gsize bytes = result->result != NULL ? g_bytes_get_size (result->result) : 0;
  return bytes + g_bytes_get_size (result->instruct->param);
}

/* Moves what goes into one list from those that wait; at least one. */
static GPtrArray *
load_list (ElvesCourier *self, Line *line)
{
  GPtrArray *results = g_ptr_array_new ();
  gsize bytes = 0;
  while (self->waiting.length > 0 && results->len < self->options.max_list &&
         bytes < self->options.max_list_bytes)
    {
      Parcel *parcel = g_queue_pop_head (&self->waiting);
      g_queue_push_tail (&line->load, parcel);
      g_ptr_array_add (results, parcel->result);
      bytes += size_of (parcel->result);
    }
  return results;
}

static void
line_send (Line *line)
{
  ElvesCourier *self = line->courier;
  GByteArray *out = elves_thrift_link_output (line->link);
  self->seqid = self->seqid == G_MAXINT32 ? 1 : self->seqid + 1;
  line->listed = uses_lists (self);
  if (line->listed)
    {
      g_autoptr (GPtrArray) results = load_list (self, line);
      elves_rpc_encode_transport_list (out, self->seqid, results);
    }
  else
    {
      Parcel *parcel = g_queue_pop_head (&self->waiting);
      g_queue_push_tail (&line->load, parcel);
      elves_rpc_encode_data_transport (out, self->seqid, parcel->result);
    }
  elves_thrift_link_flush (line->link);
  arm (line, g_get_monotonic_time () + timeout_us (self));
}

/* ---- the end of a connection ---------------------------------------------------------------- */

/* Of what was on a line that is gone: what goes once more, in its order. The rest stays. */
static void
send_again (ElvesCourier *self, GQueue *load)
{
  GList *previous;
  for (GList *link = load->tail; link != NULL; link = previous)
    {
      Parcel *parcel = link->data;
      previous = link->prev;
      if (parcel->again)
        continue;
      parcel->again = TRUE;
      g_queue_unlink (load, link);
      g_queue_push_head_link (&self->waiting, link);
    }
}

/* The line is gone. What was on it is sent once more, or not taken; who waits goes on. */
static void
line_ended (Line *line, gboolean may_send_again, const char *detail)
{
  ElvesCourier *self = line->courier;
  GQueue load = steal (&line->load);
  gboolean never_open = !line->open;
  if (line->calls > 0 && may_send_again)
    send_again (self, &load);
  g_ptr_array_remove_fast (self->lines, line);

  if (never_open)
    self->reachable = FALSE; /* no further line until one of these has carried something */
  end_parcels (self, &load, ELVES_CARRIED_REFUSED, detail);
  if (never_open && self->lines->len == 0)
    {
      GQueue failed = steal (&self->waiting);
      end_parcels (self, &failed, ELVES_CARRIED_UNREACHABLE, detail);
    }
  dispatch (self);
}

static void
on_line_due (ElvesDeadline *deadline, gpointer user_data)
{
  Line *line = user_data;
  if (line->load.length == 0)
    {
      line_ended (line, TRUE, "unused");
      return;
    }
  gint64 due_us = elves_thrift_link_last_activity_us (line->link) + timeout_us (line->courier);
  if (due_us > g_get_monotonic_time ())
    arm (line, due_us);
  else /* it was read, perhaps: not a second time at once */
    line_ended (line, FALSE, "no answer in time");
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  g_autofree char *detail =
      g_strdup (error != NULL ? error->message : "the scheduler closed the connection");
  line_ended (user_data, TRUE, detail);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  Line *line = user_data;
  line->open = TRUE;
  line->courier->reachable = TRUE;
  arm (line, g_get_monotonic_time () + IDLE_CLOSE_US);
  dispatch (line->courier);
}

/* (nullable): the answer is none. */
static GPtrArray *
decode_answers (Line *line, const guint8 *bytes, gsize length, GError **error)
{
  GPtrArray *texts = NULL;
  char *text = NULL;
  gint32 seqid;
  if (line->listed)
    return elves_rpc_decode_texts (bytes, length, &seqid, &texts, error) ? texts : NULL;
  if (!elves_rpc_decode_text (bytes, length, ELVES_RPC_DATA_TRANSPORT, &seqid, &text, error))
    return NULL;
  texts = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (texts, text);
  return texts;
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
end_load (ElvesCourier *self, GQueue *load, const GPtrArray *texts)
{
  Parcel *parcel;
  for (guint i = 0; (parcel = g_queue_pop_head (load)) != NULL; i++)
    {
      const char *text = i < texts->len ? texts->pdata[i] : "the list of answers is too short";
      ElvesCarried how = meaning_of (text);
      self->reachable |= how == ELVES_CARRIED_TAKEN;
      end_parcel (self, parcel, how, text);
    }
}

/* It has taken none of them. */
static void
go_on_without_lists (ElvesCourier *self, GQueue *load)
{
  GList *link;
  self->knows_no_lists = TRUE;
  while ((link = g_queue_pop_tail_link (load)) != NULL)
    g_queue_push_head_link (&self->waiting, link);
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  Line *line = user_data;
  ElvesCourier *self = line->courier;
  g_autoptr (GError) error = NULL;
  if (line->load.length == 0)
    {
      line_ended (line, TRUE, "an answer that nobody asked for");
      return;
    }
  g_autoptr (GPtrArray) texts = decode_answers (line, bytes, length, &error);
  GQueue load = steal (&line->load);
  line->calls++;
  arm (line, g_get_monotonic_time () + IDLE_CLOSE_US);
  if (texts != NULL)
    end_load (self, &load, texts);
  else if (line->listed && g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
    go_on_without_lists (self, &load);
  else
    end_parcels (self, &load, ELVES_CARRIED_REFUSED, error->message);
  dispatch (self);
}

/* ---- connections ---------------------------------------------------------------------------- */

static void
open_line (ElvesCourier *self)
{
  static const ElvesThriftLinkCallbacks callbacks = { .opened = on_opened,
                                                      .message = on_message,
                                                      .closed = on_closed };
  ElvesThriftLinkOptions options = {
    .limits = elves_thrift_default_limits,
    .connect_timeout_ms = self->options.timeout_ms,
    .output_limit_bytes = G_MAXSIZE, /* one call at a time: its size is bounded elsewhere */
  };
  Line *line = g_new0 (Line, 1);
  line->courier = self;
  line->link = elves_thrift_link_connect (self->poller, self->host, self->options.port, &options,
                                          &callbacks, line);
  g_ptr_array_add (self->lines, line);
}

static Line *
find_free_line (const ElvesCourier *self)
{
  for (guint i = 0; i < self->lines->len; i++)
    {
      Line *line = self->lines->pdata[i];
      if (line->open && line->load.length == 0)
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

static guint
count_calls_waiting (const ElvesCourier *self)
{
  guint a_call = uses_lists (self) ? self->options.max_list : 1;
  return (self->waiting.length + a_call - 1) / a_call;
}

static void
dispatch (ElvesCourier *self)
{
  for (Line *line; self->waiting.length > 0 && (line = find_free_line (self)) != NULL;)
    line_send (line);

  guint limit = self->reachable ? self->options.max_links : 1;
  for (guint wanted = count_connecting (self);
       wanted < count_calls_waiting (self) && self->lines->len < limit; wanted++)
    open_line (self);
}

static void
on_turn_ended (gpointer user_data)
{
  dispatch (user_data);
}

/* ---- the courier ---------------------------------------------------------------------------- */

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
  self->options = *options;
  self->host = g_strdup (options->host);
  self->carried = carried;
  self->user_data = user_data;
  self->lines = g_ptr_array_new_with_free_func ((GDestroyNotify) line_free);
  g_queue_init (&self->waiting);
  self->turn_end.func = on_turn_ended;
  self->turn_end.user_data = self;
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
  elves_poller_cancel_deferred (self->poller, &self->turn_end);
  g_ptr_array_unref (self->lines);
  g_queue_clear_full (&self->waiting, parcel_free);
  g_free (self->host);
  g_free (self);
}

/**
 * elves_courier_set_lists:
 * @self: a courier
 * @takes_lists: whether the scheduler says that it does
 */
void
elves_courier_set_lists (ElvesCourier *self, gboolean takes_lists)
{
  self->takes_lists = takes_lists;
}

/**
 * elves_courier_send:
 * @self: a courier
 * @result: what to carry, at the end of this turn of the loop; a reference is taken
 * @parcel: handed back with the outcome
 */
void
elves_courier_send (ElvesCourier *self, ElvesReinstruct *result, gpointer parcel)
{
  Parcel *entry = g_new0 (Parcel, 1);
  entry->result = elves_reinstruct_ref (result);
  entry->tag = parcel;
  g_queue_push_tail (&self->waiting, entry);
  elves_poller_defer (self->poller, &self->turn_end);
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
