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
            const char *queue,
            const char *exchange,
            const char *pattern,
            GError **error)
{
  amqp_queue_bind (self->handle, ELVES_AMQP_CHANNEL, amqp_cstring_bytes (queue),
                   amqp_cstring_bytes (exchange), amqp_cstring_bytes (pattern), amqp_empty_table);
  if (elves_amqp_connection_check (self, error))
    return TRUE;
  g_prefix_error (error, "Cannot bind queue '%s' to exchange '%s' with '%s': ", queue, exchange,
                  pattern);
  return FALSE;
}

static gboolean
bind_all (ElvesAmqpConnection *self,
          const ElvesAmqpTopology *topology,
          const char *exchange,
          GError **error)
{
  for (gsize i = 0; topology->bindings != NULL && topology->bindings[i] != NULL; i++)
    if (!bind_queue (self, topology->queue, exchange, topology->bindings[i], error))
      return FALSE;
  return TRUE;
}

static void
add_limit (amqp_table_t *arguments, const char *name, gsize limit)
{
  amqp_table_entry_t *entry = &arguments->entries[arguments->num_entries];
  if (limit == 0)
    return;
  arguments->num_entries++;
  entry->key = amqp_cstring_bytes (name);
  entry->value.kind = AMQP_FIELD_KIND_I64;
  entry->value.value.i64 = (int64_t) limit;
}

static void
add_type (amqp_table_t *arguments)
{
  amqp_table_entry_t *entry = &arguments->entries[arguments->num_entries++];
  entry->key = amqp_cstring_bytes ("x-queue-type");
  entry->value.kind = AMQP_FIELD_KIND_UTF8;
  entry->value.value.bytes = amqp_cstring_bytes ("quorum");
}

/* @limits: (nullable): whose limits the queue has */
static gboolean
declare_durable (ElvesAmqpConnection *self,
                 const char *queue,
                 gboolean quorum,
                 const ElvesAmqpTopology *limits,
                 GError **error)
{
  amqp_table_entry_t entries[3];
  amqp_table_t arguments = { .num_entries = 0, .entries = entries };
  if (quorum)
    add_type (&arguments);
  if (limits != NULL)
    {
      add_limit (&arguments, "x-max-length", limits->max_length);
      add_limit (&arguments, "x-max-length-bytes", limits->max_body_bytes);
    }
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
  if (!declare_durable (self, topology->queue, topology->quorum, topology, error))
    return FALSE;
  if (topology->dead_queue != NULL &&
      !declare_durable (self, topology->dead_queue, topology->quorum, NULL, error))
    return FALSE;
  if (!bind_all (self, topology, topology->exchange, error))
    return FALSE;
  for (const char *const *exchange = topology->more_exchanges;
       exchange != NULL && *exchange != NULL; exchange++)
    if (!elves_amqp_connection_declare_exchange (self, *exchange, error) ||
        !bind_all (self, topology, *exchange, error))
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
