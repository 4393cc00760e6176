/* The one consumer of a process. The lock is not held while a consumer waits for its handlers,
 * which may call in here. */
#include "client/elves-client.h"

static GMutex lock;
static ElvesConsumer *the_consumer; /* (nullable) guarded by lock */

static ElvesConsumer *
get (const char *what, GError **error)
{
  ElvesConsumer *consumer;

  g_mutex_lock (&lock);
  consumer = the_consumer;
  g_mutex_unlock (&lock);
  if (consumer == NULL)
    g_set_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_STATE,
                 "couldn't %s consumer before init it", what);
  return consumer;
}

/**
 * elves_client_init:
 * @settings: as of elves_consumer_new()
 * @error: return location
 *
 * Makes the consumer of the process. A second call changes nothing, until it is released.
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: as of elves_consumer_new().
 */
gboolean
elves_client_init (const ElvesConsumerSetting *settings, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);

  if (the_consumer == NULL)
    the_consumer = elves_consumer_new (settings, error);
  return the_consumer != NULL;
}

/**
 * elves_client_add_task_handler:
 * @tags: as of elves_consumer_register()
 * @handler: called for each message with such a tag
 * @user_data: for @handler
 * @error: return location
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: as of elves_consumer_register(), and %ELVES_CONSUMER_ERROR_STATE before init.
 */
gboolean
elves_client_add_task_handler (const char *tags,
                               ElvesConsumerHandler handler,
                               gpointer user_data,
                               GError **error)
{
  ElvesConsumer *consumer = get ("register", error);

  return consumer != NULL && elves_consumer_register (consumer, tags, handler, user_data, error);
}

/**
 * elves_client_add_simple_handler:
 * @tags: as of elves_consumer_register()
 * @handler: called for each message with such a tag
 * @user_data: for @handler
 * @error: return location
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: as of elves_consumer_register(), and %ELVES_CONSUMER_ERROR_STATE before init.
 */
gboolean
elves_client_add_simple_handler (const char *tags,
                                 ElvesConsumerSimpleHandler handler,
                                 gpointer user_data,
                                 GError **error)
{
  ElvesConsumer *consumer = get ("register", error);

  return consumer != NULL &&
         elves_consumer_register_simple (consumer, tags, handler, user_data, error);
}

/**
 * elves_client_start:
 * @error: return location
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: as of elves_consumer_start(), and %ELVES_CONSUMER_ERROR_STATE before init.
 */
gboolean
elves_client_start (GError **error)
{
  ElvesConsumer *consumer = get ("start", error);

  return consumer != NULL && elves_consumer_start (consumer, error);
}

/**
 * elves_client_wait:
 * @timeout_ms: how long, at most
 *
 * Returns: as elves_consumer_wait(); %FALSE before init.
 */
gboolean
elves_client_wait (guint timeout_ms)
{
  ElvesConsumer *consumer = get ("wait for", NULL);

  return consumer != NULL && elves_consumer_wait (consumer, timeout_ms);
}

/**
 * elves_client_release:
 * @error: return location
 *
 * Releases and frees the consumer of the process, started or not. Not from a handler.
 *
 * Returns: %TRUE, or %FALSE with @error.
 * Errors: %ELVES_CONSUMER_ERROR_STATE before init, or from a handler.
 */
gboolean
elves_client_release (GError **error)
{
  ElvesConsumer *consumer = get ("release", error);

  if (consumer == NULL || !elves_consumer_release (consumer, error))
    return FALSE;
  g_mutex_lock (&lock);
  the_consumer = NULL;
  g_mutex_unlock (&lock);
  elves_consumer_free (consumer);
  return TRUE;
}
