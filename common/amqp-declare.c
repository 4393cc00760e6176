/* What is asked of the broker before the first message: exchanges, queues, bindings, consumers.
 * Each waits for the broker's answer, at most the connect time-out.
 */
#include "common/amqp-connection.h"

static gboolean
is_predefined (const char *exchange)
{
  return exchange[0] == '\0' || g_str_has_prefix (exchange, "amq.");
}

/**
 * elves_amqp_connection_declare_exchange:
 * @exchange: topic, durable; the broker's own exchanges are left alone
 */
gboolean
elves_amqp_connection_declare_exchange (ElvesAmqpConnection *self,
                                        const char *exchange,
                                        GError **error)
{
  if (is_predefined (exchange))
    return TRUE;
  amqp_exchange_declare (self->handle, ELVES_AMQP_CHANNEL, amqp_cstring_bytes (exchange),
                         amqp_cstring_bytes ("topic"), 0, 1, 0, 0, amqp_empty_table);
  if (elves_amqp_connection_check (self, error))
    return TRUE;
  g_prefix_error (error, "Cannot declare exchange '%s' (topic, durable): ", exchange);
  return FALSE;
}

static gboolean
bind_queue (ElvesAmqpConnection *self,
            const ElvesAmqpTopology *topology,
            const char *pattern,
            GError **error)
{
  amqp_queue_bind (self->handle, ELVES_AMQP_CHANNEL, amqp_cstring_bytes (topology->queue),
                   amqp_cstring_bytes (topology->exchange), amqp_cstring_bytes (pattern),
                   amqp_empty_table);
  if (elves_amqp_connection_check (self, error))
    return TRUE;
  g_prefix_error (error, "Cannot bind queue '%s' to exchange '%s' with '%s': ", topology->queue,
                  topology->exchange, pattern);
  return FALSE;
}

static gboolean
declare_durable (ElvesAmqpConnection *self, const char *queue, gboolean quorum, GError **error)
{
  amqp_table_entry_t type = { .key = amqp_cstring_bytes ("x-queue-type") };
  type.value.kind = AMQP_FIELD_KIND_UTF8;
  type.value.value.bytes = amqp_cstring_bytes ("quorum");
  amqp_table_t arguments = { .num_entries = quorum ? 1 : 0, .entries = &type };
  amqp_queue_declare (self->handle, ELVES_AMQP_CHANNEL, amqp_cstring_bytes (queue), 0, 1, 0, 0,
                      arguments);
  if (elves_amqp_connection_check (self, error))
    return TRUE;
  g_prefix_error (error, "Cannot declare queue '%s' (durable, %s): ", queue,
                  quorum ? "quorum" : "classic");
  return FALSE;
}

/**
 * elves_amqp_connection_declare_queue:
 * @topology: queue (durable, classic or quorum; %NULL: none) and its bindings; the queue of dead
 *   letters
 */
gboolean
elves_amqp_connection_declare_queue (ElvesAmqpConnection *self,
                                     const ElvesAmqpTopology *topology,
                                     GError **error)
{
  if (topology->queue == NULL)
    return TRUE;
  if (!declare_durable (self, topology->queue, topology->quorum, error))
    return FALSE;
  if (topology->dead_queue != NULL &&
      !declare_durable (self, topology->dead_queue, topology->quorum, error))
    return FALSE;
  for (gsize i = 0; topology->bindings != NULL && topology->bindings[i] != NULL; i++)
    if (!bind_queue (self, topology, topology->bindings[i], error))
      return FALSE;
  return TRUE;
}

/**
 * elves_amqp_connection_declare_own_queue:
 * @out_name: (out) (transfer full): as the broker calls it
 *
 * The user of the connection must be allowed to make queues named `amq.gen-...`.
 */
gboolean
elves_amqp_connection_declare_own_queue (ElvesAmqpConnection *self, char **out_name, GError **error)
{
  amqp_queue_declare_ok_t *ok = amqp_queue_declare (self->handle, ELVES_AMQP_CHANNEL,
                                                    amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
  if (!elves_amqp_connection_check (self, error))
    {
      g_prefix_error (error, "Cannot make a queue for this connection alone: ");
      return FALSE;
    }
  *out_name = g_strndup (ok->queue.bytes, ok->queue.len);
  return TRUE;
}

/**
 * elves_amqp_connection_consume:
 * @prefetch: deliveries not yet acknowledged at one time, > 0
 */
gboolean
elves_amqp_connection_consume (ElvesAmqpConnection *self,
                               const char *queue,
                               guint prefetch,
                               const char *consumer_tag,
                               GError **error)
{
  amqp_basic_qos (self->handle, ELVES_AMQP_CHANNEL, 0, (guint16) MIN (prefetch, G_MAXUINT16), 0);
  gboolean done = elves_amqp_connection_check (self, error);
  if (done)
    {
      amqp_basic_consume (self->handle, ELVES_AMQP_CHANNEL, amqp_cstring_bytes (queue),
                          amqp_cstring_bytes (consumer_tag), 0, 0, 0, amqp_empty_table);
      done = elves_amqp_connection_check (self, error);
    }
  if (!done)
    g_prefix_error (error, "Cannot consume from queue '%s': ", queue);
  return done;
}

gboolean
elves_amqp_connection_select_confirms (ElvesAmqpConnection *self, GError **error)
{
  amqp_confirm_select (self->handle, ELVES_AMQP_CHANNEL);
  if (elves_amqp_connection_check (self, error))
    return TRUE;
  g_prefix_error (error, "Cannot ask for publisher confirms: ");
  return FALSE;
}
