/* Messages to exchanges: one publisher for each exchange that is in use.
 *
 * A message counts as sent when the broker has it, whether anybody is bound for it or not: who
 * listens, and when, is no business of a timer. */
#include "cron/outbox-private.h"

#include "common/crash-point.h"

#include <string.h>

ElvesAmqpPublisher *
elves_cron_outbox_publisher (ElvesCronOutbox *self, const char *exchange)
{
  ElvesAmqpPublisher *publisher = g_hash_table_lookup (self->publishers, exchange);
  ElvesAmqpSettings settings;
  ElvesAmqpTopology topology = { .exchange = exchange };
  if (publisher != NULL)
    return publisher;
  settings = elves_component_broker_settings (&self->config->mq, &self->config->retry);
  publisher = elves_amqp_publisher_new (&settings, &topology, TRUE, NULL, NULL);
  g_hash_table_insert (self->publishers, g_strdup (exchange), publisher);
  return publisher;
}

void
elves_cron_outbox_note_message (ElvesCronOutbox *self, const ElvesCronShot *shot)
{
  elves_cron_tally_add (self->tally, shot->plan->owner, shot->plan->name, g_get_real_time ());
  elves_cron_outbox_end_shot (self, shot, TRUE, "", 0);
}

static void
on_published (gboolean routed, gpointer user_data)
{
  ElvesCronFlight *flight = user_data;
  ELVES_CRASH_POINT ("cron-before-mark");
  elves_cron_outbox_note_message (flight->outbox, flight->shot);
  elves_cron_flight_land (flight);
}

void
elves_cron_flight_send_message (ElvesCronFlight *flight)
{
  ElvesCronOutbox *self = flight->outbox;
  const ElvesCronPlan *plan = flight->shot->plan;
  const char *exchange = *plan->exchange != '\0' ? plan->exchange : self->config->messages_exchange;
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup (exchange);
  publication->routing_key = g_strdup (plan->target);
  publication->cc = g_strdup (self->sent_key);
  publication->content_type =
      g_strdup (*plan->content_type != '\0' ? plan->content_type : "text/plain");
  publication->message_id = elves_cron_key (plan->id, flight->shot->planned_us);
  publication->task = elves_cron_id_spell (flight->shot->id, plan->spelling);
  publication->planned_s = flight->shot->planned_us / G_USEC_PER_SEC;
  publication->body = g_bytes_new (plan->param, strlen (plan->param));
  elves_amqp_publisher_publish (elves_cron_outbox_publisher (self, exchange), publication,
                                on_published, flight);
}
