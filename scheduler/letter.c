/* The same message once more: its body and what of its properties says who asked, straight into a
 * queue, with the headers that say that it is not the first time. */
#include "scheduler/letter.h"

#include "common/amqp-frames.h"

#include <string.h>

/**
 * elves_letter_new:
 * @message: as it was delivered.
 * @queue: where to.
 * @execution: (nullable): the key of the job's execution; one that is too long for a header comes
 * from the message itself and is left out.
 * @attempts: how often it has been given out again.
 *
 * Returns: (transfer full): what to publish.
 */
ElvesPublication *
elves_letter_new (const ElvesDelivery *message,
                  const char *queue,
                  const char *execution,
                  guint attempts)
{
  ElvesPublication *letter = g_new0 (ElvesPublication, 1);

  letter->exchange = g_strdup ("");
  letter->routing_key = g_strdup (queue);
  letter->content_type = g_strdup (message->content_type);
  letter->content_encoding = g_strdup (message->content_encoding);
  letter->correlation_id = g_strdup (message->correlation_id);
  letter->reply_to = g_strdup (message->reply_to);
  letter->message_id = g_strdup (message->message_id);
  if (execution != NULL && strlen (execution) <= ELVES_AMQP_SHORT_STRING_MAX)
    letter->execution = g_strdup (execution);
  letter->is_again = TRUE;
  letter->attempts = attempts;
  letter->body = g_bytes_ref (message->body);
  return letter;
}
