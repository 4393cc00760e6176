/* Two threads: the courier's, and one that calls the handlers, so that a handler may take as long
 * as it likes. prefetch limits what is between them. */
#include "client/courier.h"
#include "client/tags.h"

#include <string.h>

typedef enum
{
  MADE,
  STARTED,
  RELEASED
} State;

struct ElvesConsumer
{
  ElvesClientSettings *settings;
  ElvesClientTags *tags; /* does not change any more once it is started */
  GAsyncQueue *inbox;    /* of ElvesClientItem, and the last one, which is none */
  ElvesClientCourier *courier;
  GThread *worker;
  gint is_stopping; /* atomic */
  GMutex lock;      /* guards what follows */
  State state;
};

G_DEFINE_QUARK (elves_consumer_error, elves_consumer_error)

static ElvesClientItem end_of_work = { .is_end = TRUE };

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_STATE, text);
  return FALSE;
}

/* ---- the worker ----------------------------------------------------------------------------- */

static void
handle (ElvesConsumer *self, ElvesClientItem *item)
{
  g_autoptr (GError) error = NULL;

  item->has_failed = !elves_client_tags_call (self->tags, &item->message, &error);
  if (!item->has_failed)
    return;
  item->error_text = g_strdup (error != NULL ? error->message : "the handler failed");
  g_info ("a message failed queue=%s task=%s retries=%u: %s", self->settings->queue,
          item->message.task_id, item->message.retries, item->error_text);
}

/* What is not handled any more is not acknowledged either: it comes again. */
static gpointer
work (gpointer data)
{
  ElvesConsumer *self = data;
  ElvesClientItem *item;

  while ((item = g_async_queue_pop (self->inbox)) != &end_of_work)
    {
      if (g_atomic_int_get (&self->is_stopping) ||
          elves_client_courier_is_stale (self->courier, item))
        {
          elves_client_item_free (item);
          continue;
        }
      handle (self, item);
      elves_client_courier_hand_back (self->courier, item);
    }
  return NULL;
}

/* ---- from outside --------------------------------------------------------------------------- */

static void
free_item (gpointer data)
{
  if (data != &end_of_work)
    elves_client_item_free (data);
}

/**
 * elves_consumer_new:
 * @settings: ends with a NULL key; copied
 * @error: return location
 *
 * A consumer of its own; connects nowhere before it is started.
 *
 * Returns: (transfer full) (nullable): free it with elves_consumer_free().
 * Errors: %ELVES_CONSUMER_ERROR_INVALID names the key.
 */
ElvesConsumer *
elves_consumer_new (const ElvesConsumerSetting *settings, GError **error)
{
  ElvesClientSettings *checked = elves_client_settings_new (settings, error);
  ElvesConsumer *self;

  if (checked == NULL)
    return NULL;
  self = g_new0 (ElvesConsumer, 1);
  self->settings = checked;
  self->tags = elves_client_tags_new ();
  self->inbox = g_async_queue_new_full (free_item);
  g_mutex_init (&self->lock);
  return self;
}

static gboolean
add_handler (ElvesConsumer *self,
             const char *tags,
             ElvesConsumerHandler handler,
             ElvesConsumerSimpleHandler simple,
             gpointer user_data,
             GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  if (self->state != MADE)
    return refuse (error, "subscribe topic only started before");
  return elves_client_tags_add (self->tags, tags, handler, simple, user_data, error);
}

/**
 * elves_consumer_register:
 * @self: a consumer that is not started yet
 * @tags: a tag, several with "||" between them, or "*" for all
 * @handler: called for each message with such a tag
 * @user_data: for @handler
 * @error: return location
 *
 * A message goes to the handler of its tag, and then, if that has not failed, to the one of "*". A
 * tag that has a handler gets this one instead.
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: %ELVES_CONSUMER_ERROR_STATE when it is started; %ELVES_CONSUMER_ERROR_INVALID.
 */
gboolean
elves_consumer_register (ElvesConsumer *self,
                         const char *tags,
                         ElvesConsumerHandler handler,
                         gpointer user_data,
                         GError **error)
{
  return add_handler (self, tags, handler, NULL, user_data, error);
}

/**
 * elves_consumer_register_simple:
 * @self: a consumer that is not started yet
 * @tags: a tag, several with "||" between them, or "*" for all
 * @handler: called for each message with such a tag; what it has returned from is consumed
 * @user_data: for @handler
 * @error: return location
 *
 * As elves_consumer_register(), with a handler that cannot fail.
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: %ELVES_CONSUMER_ERROR_STATE when it is started; %ELVES_CONSUMER_ERROR_INVALID.
 */
gboolean
elves_consumer_register_simple (ElvesConsumer *self,
                                const char *tags,
                                ElvesConsumerSimpleHandler handler,
                                gpointer user_data,
                                GError **error)
{
  return add_handler (self, tags, NULL, handler, user_data, error);
}

/**
 * elves_consumer_start:
 * @self: a consumer with at least one handler
 * @error: return location
 *
 * Begins to connect and to consume, on threads of its own, and goes on whatever happens to the
 * broker. Does not wait for it: see elves_consumer_wait().
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: %ELVES_CONSUMER_ERROR_STATE when it was started before, or has no handler.
 */
gboolean
elves_consumer_start (ElvesConsumer *self, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);
  g_auto (GStrv) bindings = elves_client_tags_bindings (self->tags);

  if (self->state != MADE)
    return refuse (error, "couldn't start consumer twice");
  if (bindings[0] == NULL)
    return refuse (error, "couldn't start consumer before a handler is registered");
  self->courier =
      elves_client_courier_new (self->settings, (const char *const *) bindings, self->inbox, error);
  if (self->courier == NULL)
    return FALSE;
  self->worker = g_thread_new ("elves-handlers", work, self);
  self->state = STARTED;
  return TRUE;
}

/**
 * elves_consumer_wait:
 * @self: a consumer that is started
 * @timeout_ms: how long, at most
 *
 * Waits until messages that are sent from now on reach it. What is sent before the queue of a group
 * was there at all, no consumer of that group gets.
 *
 * Returns: whether it is connected.
 */
gboolean
elves_consumer_wait (ElvesConsumer *self, guint timeout_ms)
{
  gboolean is_started;

  g_mutex_lock (&self->lock);
  is_started = self->state == STARTED;
  g_mutex_unlock (&self->lock);
  return is_started && elves_client_courier_wait (self->courier, timeout_ms);
}

static void
stop (ElvesConsumer *self)
{
  g_atomic_int_set (&self->is_stopping, 1);
  g_async_queue_push (self->inbox, &end_of_work);
  g_thread_join (self->worker);
  g_clear_pointer (&self->courier, elves_client_courier_free);
}

/* The lock is not held while the handler that runs is waited for: it may call in here. */
static gboolean
begin_release (ElvesConsumer *self, State *out_before, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  if (self->state == RELEASED)
    return refuse (error, "couldn't release consumer twice");
  if (self->state == STARTED && self->worker == g_thread_self ())
    return refuse (error, "couldn't release consumer from one of its handlers");
  *out_before = self->state;
  self->state = RELEASED;
  return TRUE;
}

/**
 * elves_consumer_release:
 * @self: a consumer, started or not
 * @error: return location
 *
 * Waits for the handler that runs, tells the broker what became of its message, and disconnects.
 * Other messages that are here already go back. It cannot be started again. Not while another
 * thread is in a call with this consumer.
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: %ELVES_CONSUMER_ERROR_STATE when it was released before, and from a handler.
 */
gboolean
elves_consumer_release (ElvesConsumer *self, GError **error)
{
  State before = MADE;

  if (!begin_release (self, &before, error))
    return FALSE;
  if (before == STARTED)
    stop (self);
  return TRUE;
}

/**
 * elves_consumer_free:
 * @self: (nullable): a consumer; released, if it was not
 */
void
elves_consumer_free (ElvesConsumer *self)
{
  if (self == NULL)
    return;
  if (self->state == STARTED)
    stop (self);
  g_async_queue_unref (self->inbox);
  elves_client_tags_free (self->tags);
  elves_client_settings_free (self->settings);
  g_mutex_clear (&self->lock);
  g_free (self);
}
