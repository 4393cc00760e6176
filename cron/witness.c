/* Reading the queue of copies, from its beginning to a mark that we put at its end.
 *
 * Nothing is acknowledged: the copies stay until younger ones push them out. The queue is longer
 * than what may be open at one time (cron.maxOutstanding), so no copy that matters has been pushed
 * out, unless they are so large that the broker would have to keep too much of them; and what a
 * killed leader had written into its socket has long arrived when its session ends.
 *
 * The connections end when the answer is there, from the loop and not from their own callbacks. */
#include "cron/witness.h"

#include "common/component.h"

#include <string.h>

#define SUFFIX ".sent"
/* The same for all configurations, because a queue cannot be made anew with others. */
#define LENGTH 12000 /* more than cron.maxOutstanding may be; little enough to be read at once */
#define BODY_BYTES (256 * 1024 * 1024)

struct ElvesCronWitness
{
  const ElvesCronWitnessCallbacks *callbacks;
  gpointer user_data;
  gboolean reads;
  char *queue;
  char *mark; /* message_id of the end */
  GHashTable *keys;
  ElvesAmqpConsumer *consumer;   /* (nullable) */
  ElvesAmqpPublisher *publisher; /* (nullable) */
  GSource *end;                  /* (nullable) the answer is there */
};

char *
elves_cron_witness_queue (const ElvesCronConfig *config)
{
  return g_strconcat (config->mq.queue, SUFFIX, NULL);
}

static gboolean
on_end (gpointer user_data)
{
  ElvesCronWitness *self = user_data;
  g_clear_pointer (&self->end, g_source_unref);
  elves_amqp_consumer_free (g_steal_pointer (&self->consumer));
  elves_amqp_publisher_free (g_steal_pointer (&self->publisher));
  self->callbacks->read (self->keys, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
end (ElvesCronWitness *self)
{
  if (self->end != NULL)
    return;
  self->end = g_idle_source_new ();
  g_source_set_callback (self->end, on_end, self, NULL);
  g_source_attach (self->end, g_main_context_get_thread_default ());
}

static void
on_deliveries (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data)
{
  ElvesCronWitness *self = user_data;
  for (guint i = 0; i < deliveries->len && self->end == NULL; i++)
    {
      ElvesDelivery *delivery = deliveries->pdata[i];
      if (delivery->message_id == NULL)
        continue;
      if (strcmp (delivery->message_id, self->mark) == 0)
        end (self);
      else
        g_hash_table_add (self->keys, g_steal_pointer (&delivery->message_id));
    }
}

static void
put_mark (ElvesCronWitness *self)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup ("");
  publication->routing_key = g_strdup (self->queue);
  publication->content_type = g_strdup ("text/plain");
  publication->message_id = g_strdup (self->mark);
  publication->body = g_bytes_new_static ("", 0);
  elves_amqp_publisher_publish (self->publisher, publication, NULL, NULL);
}

/* The queue is there. After a lost connection it is read again, up to another mark of the same
   name: the first of them comes after all copies, too. */
static void
on_state (ElvesAmqpConsumer *consumer, guint64 epoch, const GError *error, gpointer user_data)
{
  ElvesCronWitness *self = user_data;
  if (error != NULL)
    {
      g_warning ("waiting for the broker to take over: %s", error->message);
      return;
    }
  if (self->reads)
    put_mark (self);
  else
    end (self);
  self->callbacks->there (self->user_data);
}

static const ElvesAmqpConsumerCallbacks consumer_callbacks = { on_deliveries, on_state, NULL };

/**
 * elves_cron_witness_new:
 * @config: must outlive it
 * @callbacks: must outlive it
 *
 * Returns: (transfer full)
 */
ElvesCronWitness *
elves_cron_witness_new (const ElvesCronConfig *config,
                        gboolean reads,
                        const ElvesCronWitnessCallbacks *callbacks,
                        gpointer user_data)
{
  ElvesCronWitness *self = g_new0 (ElvesCronWitness, 1);
  ElvesAmqpSettings settings = elves_component_broker_settings (&config->mq, &config->retry);
  const char *bindings[] = { NULL, NULL };
  g_auto (GStrv) exchanges = elves_cron_config_exchanges (config);
  ElvesAmqpTopology topology = {
    .exchange = config->mq.exchange,
    .more_exchanges = (const char *const *) exchanges,
    .bindings = bindings,
    .max_length = LENGTH,
    .max_body_bytes = BODY_BYTES,
    .prefetch = reads ? G_MAXUINT16 : 1,
  };
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->reads = reads;
  self->queue = elves_cron_witness_queue (config);
  self->mark = g_uuid_string_random ();
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  topology.queue = bindings[0] = self->queue;
  self->publisher = elves_amqp_publisher_new (&settings, &topology, TRUE, NULL, NULL);
  self->consumer = elves_amqp_consumer_new (&settings, &topology, &consumer_callbacks, self);
  return self;
}

/**
 * elves_cron_witness_free:
 * @self: (nullable)
 */
void
elves_cron_witness_free (ElvesCronWitness *self)
{
  if (self == NULL)
    return;
  if (self->end != NULL)
    {
      g_source_destroy (self->end);
      g_source_unref (self->end);
    }
  elves_amqp_consumer_free (self->consumer);
  elves_amqp_publisher_free (self->publisher);
  g_hash_table_unref (self->keys);
  g_free (self->queue);
  g_free (self->mark);
  g_free (self);
}
