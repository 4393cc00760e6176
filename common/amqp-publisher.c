/* A publisher: publications in batches to the broker, confirmations in batches to their owners.
 *
 * Publications wait in order; at most a window of them are unconfirmed at one time. What a lost
 * connection leaves unconfirmed is published again before the rest, so that a message may come
 * twice but is never lost. A nack is tried again later. Every message is mandatory: one that
 * reached no queue comes back before its confirmation and is known by its address and body.
 *
 * The broker answers a message it refuses for good (no such exchange, too large) by closing the
 * channel, and does not say which one it was. Then those in question go out one by one: the one
 * that closes the channel alone is given up as not routed, and all others get through.
 *
 * Limits: the window; how much waits is the caller's to limit (outstanding()).
 */
#include "common/amqp-properties.h"
#include "common/amqp-session.h"
#include "common/amqp-window.h"
#include "common/backoff.h"
#include "common/error.h"

struct ElvesAmqpPublisher
{
  ElvesAmqpSession *session;
  ElvesAmqpSettings settings; /* only numbers are used */
  char *exchange;
  gboolean persistent;
  ElvesAmqpPublisherCallbacks callbacks;
  gpointer user_data;
  guint outstanding;

  GQueue waiting; /* of ElvesAmqpEntry */
  ElvesAmqpWindow window;
  guint one_by_one;   /* so many are still to go out alone */
  GQueue nacked;      /* of ElvesAmqpEntry */
  gint64 retry_at_us; /* when the nacked ones are due */
  guint nacks_in_a_row;
  GPtrArray *done; /* of ElvesAmqpEntry: their owners do not know yet */
  ElvesAmqpInput returned_body;
  char *returned_exchange, *returned_key; /* (nullable) a return waits for its content */
};

/* --- confirmations --------------------------------------------------------------------------- */

static void
finish (ElvesAmqpPublisher *self, ElvesAmqpEntry *entry)
{
  g_ptr_array_add (self->done, entry);
}

/* The owner of one may stop us. */
static void
report_done (ElvesAmqpPublisher *self)
{
  for (guint i = 0; i < self->done->len && !elves_amqp_session_is_stopped (self->session); i++)
    {
      const ElvesAmqpEntry *entry = self->done->pdata[i];
      self->outstanding--;
      if (entry->published != NULL)
        entry->published (!entry->returned, entry->user_data);
    }
  g_ptr_array_set_size (self->done, 0);
}

static void
on_received (gpointer data)
{
  report_done (data);
}

static void
on_confirmed (ElvesAmqpEntry *entry, gboolean accepted, gpointer user_data)
{
  ElvesAmqpPublisher *self = user_data;
  if (self->one_by_one > 0)
    self->one_by_one--;
  if (accepted)
    {
      self->nacks_in_a_row = 0;
      finish (self, entry);
      return;
    }
  entry->returned = FALSE;
  g_queue_push_tail (&self->nacked, entry);
}

static void
plan_retry (ElvesAmqpPublisher *self)
{
  if (self->nacked.length == 0 || self->retry_at_us != 0)
    return;
  guint delay_ms = elves_backoff_delay_ms (self->nacks_in_a_row++, self->settings.retry_first_ms,
                                           self->settings.retry_cap_ms, g_random_double ());
  self->retry_at_us = g_get_monotonic_time () + (gint64) delay_ms * 1000;
}

static gboolean
confirm (ElvesAmqpPublisher *self,
         guint64 number,
         gboolean multiple,
         gboolean accepted,
         GError **error)
{
  if (!elves_amqp_window_confirm (&self->window, number, multiple, accepted, on_confirmed, self))
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                           "The broker confirmed a message that was not published");
      return FALSE;
    }
  plan_retry (self);
  return TRUE;
}

static void
put_back_nacked (ElvesAmqpPublisher *self)
{
  self->retry_at_us = 0;
  ElvesAmqpEntry *entry;
  while ((entry = g_queue_pop_tail (&self->nacked)) != NULL)
    g_queue_push_head (&self->waiting, entry);
}

/* Everything not confirmed goes to the front of the line again, in order. */
static void
rewind_window (ElvesAmqpPublisher *self)
{
  put_back_nacked (self);
  elves_amqp_window_rewind (&self->window, &self->waiting);
}

/* --- frames in ------------------------------------------------------------------------------- */

static void
mark_returned (ElvesAmqpPublisher *self)
{
  g_autoptr (GBytes) body = elves_amqp_input_steal (&self->returned_body);
  g_autofree char *exchange = g_steal_pointer (&self->returned_exchange);
  g_autofree char *key = g_steal_pointer (&self->returned_key);
  elves_amqp_window_mark_returned (&self->window, exchange, key, body);
}

static void
begin_return (ElvesAmqpPublisher *self, const amqp_basic_return_t *method)
{
  g_free (self->returned_exchange);
  g_free (self->returned_key);
  self->returned_exchange = g_strndup (method->exchange.bytes, method->exchange.len);
  self->returned_key = g_strndup (method->routing_key.bytes, method->routing_key.len);
}

static gboolean
on_method (ElvesAmqpPublisher *self, const amqp_method_t *method, GError **error)
{
  const amqp_basic_ack_t *ack = method->decoded;
  const amqp_basic_nack_t *nack = method->decoded;
  switch (method->id)
    {
    case AMQP_BASIC_ACK_METHOD:
      return confirm (self, ack->delivery_tag, ack->multiple != 0, TRUE, error);
    case AMQP_BASIC_NACK_METHOD:
      return confirm (self, nack->delivery_tag, nack->multiple != 0, FALSE, error);
    case AMQP_BASIC_RETURN_METHOD:
      begin_return (self, method->decoded);
      return TRUE;
    case AMQP_CONNECTION_BLOCKED_METHOD: /* it reads no more for now: the socket says so */
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      return TRUE;
    default:
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                   "The broker sent an unexpected method (%s)", amqp_method_name (method->id));
      return FALSE;
    }
}

static gboolean
on_frame (ElvesAmqpConnection *connection, const amqp_frame_t *frame, gpointer data, GError **error)
{
  ElvesAmqpPublisher *self = data;
  if (frame->frame_type == AMQP_FRAME_METHOD)
    return on_method (self, &frame->payload.method, error);
  if (self->returned_key == NULL)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                           "The broker sent a content out of place");
      return FALSE;
    }
  if (frame->frame_type == AMQP_FRAME_HEADER)
    elves_amqp_input_begin (&self->returned_body, frame->payload.properties.body_size);
  else if (!elves_amqp_input_add (&self->returned_body, frame->payload.body_fragment, error))
    return FALSE;
  if (elves_amqp_input_is_whole (&self->returned_body))
    mark_returned (self);
  return TRUE;
}

/* --- publications out ------------------------------------------------------------------------ */

/* FALSE: AMQP has no form for it. */
static gboolean
add_publication (ElvesAmqpPublisher *self,
                 ElvesAmqpOutput *output,
                 const ElvesPublication *publication)
{
  amqp_basic_publish_t publish = { .exchange = amqp_cstring_bytes (publication->exchange),
                                   .routing_key = amqp_cstring_bytes (publication->routing_key),
                                   .mandatory = 1 };
  ElvesAmqpProperties properties;

  if (!elves_amqp_properties_set (&properties, publication, self->persistent))
    return FALSE;
  elves_amqp_output_add_method (output, ELVES_AMQP_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish);
  elves_amqp_output_add_content (output, ELVES_AMQP_CHANNEL, &properties.properties,
                                 publication->body);
  return TRUE;
}

static gboolean
window_is_open (const ElvesAmqpPublisher *self)
{
  if (self->one_by_one > 0)
    return self->window.unconfirmed == 0;
  return !elves_amqp_window_is_full (&self->window);
}

/* Its owner has taken it back. */
static void
drop (ElvesAmqpPublisher *self, ElvesAmqpEntry *entry)
{
  self->outstanding--;
  if (self->one_by_one > 0)
    self->one_by_one--;
  elves_amqp_entry_free (entry);
}

static void
publish_waiting (ElvesAmqpPublisher *self, ElvesAmqpOutput *output)
{
  while (window_is_open (self))
    {
      ElvesAmqpEntry *entry = g_queue_pop_head (&self->waiting);
      if (entry == NULL)
        return;
      if (entry->wanted != NULL && !entry->wanted (entry->user_data))
        {
          drop (self, entry);
          continue;
        }
      if (add_publication (self, output, entry->publication))
        {
          elves_amqp_window_add (&self->window, entry);
          continue;
        }
      entry->returned = TRUE; /* it reaches no queue */
      finish (self, entry);
    }
}

static void
retry_nacked (ElvesAmqpPublisher *self, int *timeout_ms)
{
  if (self->retry_at_us == 0)
    return;
  gint64 left_us = self->retry_at_us - g_get_monotonic_time ();
  if (left_us > 0)
    {
      int left_ms = (int) (left_us / 1000) + 1;
      *timeout_ms = *timeout_ms < 0 ? left_ms : MIN (*timeout_ms, left_ms);
      return;
    }
  put_back_nacked (self);
}

static void
on_turn (ElvesAmqpConnection *connection, gpointer data, int *timeout_ms)
{
  ElvesAmqpPublisher *self = data;
  if (connection == NULL)
    return;
  retry_nacked (self, timeout_ms);
  publish_waiting (self, &connection->output);
  report_done (self);
}

/* --- the connection -------------------------------------------------------------------------- */

static gboolean
on_wanted (gpointer data)
{
  return TRUE;
}

/* On the attempt's thread. */
static gboolean
on_start (ElvesAmqpConnection *connection, gpointer data, GError **error)
{
  const ElvesAmqpPublisher *self = data;
  return elves_amqp_connection_declare_exchange (connection, self->exchange, error) &&
         elves_amqp_connection_select_confirms (connection, error);
}

static void
report_state (ElvesAmqpPublisher *self, const GError *error)
{
  if (self->callbacks.state != NULL && !elves_amqp_session_is_stopped (self->session))
    self->callbacks.state (self, error, self->user_data);
}

static void
on_opened (gpointer data)
{
  ElvesAmqpPublisher *self = data;
  elves_amqp_window_init (&self->window);
  report_state (self, NULL);
}

/* An operator can give back a permission, hence not AMQP_ACCESS_REFUSED. */
static gboolean
is_refusal_of_a_message (const ElvesAmqpConnection *connection)
{
  return connection != NULL && (connection->close_code == AMQP_NOT_FOUND ||
                                connection->close_code == AMQP_PRECONDITION_FAILED ||
                                connection->close_code == AMQP_CONTENT_TOO_LARGE);
}

/* Our own exchange was deleted: start() declares it again. */
static gboolean
comes_with_the_next_connection (ElvesAmqpPublisher *self, const ElvesAmqpConnection *connection)
{
  const ElvesAmqpEntry *entry = elves_amqp_window_peek_first (&self->window);
  return connection->close_code == AMQP_NOT_FOUND &&
         g_str_equal (entry->publication->exchange, self->exchange);
}

static void
give_up_alone (ElvesAmqpPublisher *self, const GError *error)
{
  ElvesAmqpEntry *entry = elves_amqp_window_take_first (&self->window);
  if (self->one_by_one > 0)
    self->one_by_one--;
  g_warning ("The broker refuses a message for good: exchange=%s routing_key=%s error=%s",
             entry->publication->exchange, entry->publication->routing_key, error->message);
  entry->returned = TRUE;
  finish (self, entry);
}

static void
on_lost (const ElvesAmqpConnection *connection, gpointer data, const GError *error)
{
  ElvesAmqpPublisher *self = data;
  if (is_refusal_of_a_message (connection) && self->window.unconfirmed > 0)
    {
      if (self->window.unconfirmed > 1)
        self->one_by_one = self->window.unconfirmed;
      else if (!comes_with_the_next_connection (self, connection))
        give_up_alone (self, error);
    }
  rewind_window (self);
  elves_amqp_input_clear (&self->returned_body);
  g_clear_pointer (&self->returned_key, g_free);
  g_clear_pointer (&self->returned_exchange, g_free);
  report_done (self);
  report_state (self, error);
}

/* --- for the owner --------------------------------------------------------------------------- */

static void
on_free (gpointer data)
{
  ElvesAmqpPublisher *self = data;
  rewind_window (self);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) elves_amqp_entry_free);
  g_ptr_array_unref (self->done);
  elves_amqp_input_clear (&self->returned_body);
  g_free (self->returned_exchange);
  g_free (self->returned_key);
  g_free (self->exchange);
  g_free (self);
}

static const ElvesAmqpSessionClass publisher_class = {
  .role = "publisher",
  .start = on_start,
  .wanted = on_wanted,
  .opened = on_opened,
  .frame = on_frame,
  .received = on_received,
  .turn = on_turn,
  .lost = on_lost,
  .free = on_free,
};

/**
 * elves_amqp_publisher_new:
 * @topology: only the exchange counts: it is declared on each connection
 * @persistent: whether the broker keeps messages on disk
 * @callbacks: (nullable): copied
 *
 * Begins to connect at once.
 */
ElvesAmqpPublisher *
elves_amqp_publisher_new (const ElvesAmqpSettings *settings,
                          const ElvesAmqpTopology *topology,
                          gboolean persistent,
                          const ElvesAmqpPublisherCallbacks *callbacks,
                          gpointer user_data)
{
  ElvesAmqpPublisher *self = g_new0 (ElvesAmqpPublisher, 1);
  self->settings = *settings;
  self->exchange = g_strdup (topology->exchange);
  self->persistent = persistent;
  if (callbacks != NULL)
    self->callbacks = *callbacks;
  self->user_data = user_data;
  self->done = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_amqp_entry_free);
  g_queue_init (&self->waiting);
  g_queue_init (&self->nacked);
  elves_amqp_window_init (&self->window);
  self->session = elves_amqp_session_new (settings, &publisher_class, self);
  elves_amqp_session_run (self->session);
  return self;
}

/**
 * elves_amqp_publisher_publish:
 * @publication: (transfer full)
 * @published: (nullable): from the main loop, when the broker has confirmed
 *
 * Leaves at the end of the main loop's turn, with all others of the turn.
 */
void
elves_amqp_publisher_publish (ElvesAmqpPublisher *self,
                              ElvesPublication *publication,
                              ElvesPublishedFunc published,
                              gpointer user_data)
{
  elves_amqp_publisher_publish_while (self, publication, NULL, published, user_data);
}

/**
 * elves_amqp_publisher_publish_while:
 * @publication: (transfer full)
 * @wanted: (nullable): whether it shall leave, each time before it does
 * @published: (nullable): from the main loop, when the broker has confirmed
 *
 * As elves_amqp_publisher_publish(), for what may become wrong while the connection is lost.
 */
void
elves_amqp_publisher_publish_while (ElvesAmqpPublisher *self,
                                    ElvesPublication *publication,
                                    ElvesWantedFunc wanted,
                                    ElvesPublishedFunc published,
                                    gpointer user_data)
{
  ElvesAmqpEntry *entry = g_new0 (ElvesAmqpEntry, 1);
  entry->publication = publication;
  entry->wanted = wanted;
  entry->published = published;
  entry->user_data = user_data;
  self->outstanding++;
  g_queue_push_tail (&self->waiting, entry);
  elves_amqp_session_schedule (self->session);
}

guint
elves_amqp_publisher_outstanding (ElvesAmqpPublisher *self)
{
  return self->outstanding;
}

/**
 * elves_amqp_publisher_rebuild:
 * @why: what state() will say
 *
 * For a connection that seems to be there and confirms nothing.
 */
void
elves_amqp_publisher_rebuild (ElvesAmqpPublisher *self, const char *why)
{
  elves_amqp_session_rebuild (self->session, why);
}

/**
 * elves_amqp_publisher_free:
 * @self: (nullable)
 *
 * Closes the connection (at most 2.5 s). What is not confirmed is given up: no callback.
 */
void
elves_amqp_publisher_free (ElvesAmqpPublisher *self)
{
  if (self != NULL)
    elves_amqp_session_stop (self->session);
}
