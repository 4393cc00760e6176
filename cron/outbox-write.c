/* What becomes of shots, into the store: that they were sent, and how they ended.
 *
 * Marks are gathered while the store writes the last ones. */
#include "cron/outbox-private.h"

#include "common/backoff.h"
#include "cron/metrics.h"

/* Something on its way into the store. */
typedef struct
{
  ElvesCronOutbox *outbox;  /* NULL: it was freed meanwhile */
  GArray *instants;         /* (nullable) of marks */
  ElvesCronMarkedFunc done; /* (nullable) */
  gpointer user_data;
  GList place;
} Write;

static Write *
write_new (ElvesCronOutbox *self)
{
  Write *write = g_new0 (Write, 1);
  write->outbox = self;
  write->place.data = write;
  g_queue_push_tail_link (&self->writes, &write->place);
  return write;
}

/* Returns: (nullable): the outbox, if it is still there. */
static ElvesCronOutbox *
write_return (Write *write)
{
  if (write->outbox != NULL)
    g_queue_unlink (&write->outbox->writes, &write->place);
  return write->outbox;
}

static void
write_free (Write *write)
{
  g_clear_pointer (&write->instants, g_array_unref);
  g_free (write);
}

/* ---- marks ---------------------------------------------------------------------------------- */

static void flush_sent (ElvesCronOutbox *self);

static void
on_retry_due (ElvesDeadline *deadline, gpointer user_data)
{
  flush_sent (user_data);
}

static void
mark_again_later (ElvesCronOutbox *self, const GArray *instants, const GError *error)
{
  guint delay_ms = elves_backoff_delay_ms (self->retry_attempt++, self->config->retry.first_ms,
                                           self->config->retry.cap_ms, g_random_double ());
  g_warning ("firings are not marked as sent: %s firings=%u retry_ms=%u", error->message,
             instants->len, delay_ms);
  g_array_append_vals (self->sent, instants->data, instants->len);
  elves_deadlines_arm (self->deadlines, &self->retry,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_retry_due, self);
}

static void
on_marked (const GError *error, gpointer user_data)
{
  Write *write = user_data;
  ElvesCronOutbox *self = write_return (write);
  if (self != NULL)
    {
      self->marking = 0;
      if (error != NULL)
        mark_again_later (self, write->instants, error);
      else
        {
          self->retry_attempt = 0;
          flush_sent (self);
          self->callbacks.out (self->user_data);
        }
    }
  write_free (write);
}

static void
flush_sent (ElvesCronOutbox *self)
{
  Write *write;
  if (self->sent->len == 0 || self->marking > 0)
    return;
  write = write_new (self);
  write->instants = self->sent;
  self->marking = self->sent->len;
  self->sent = g_array_new (FALSE, FALSE, sizeof (ElvesCronInstant));
  elves_cron_firings_mark_sent (self->ledger, g_array_ref (write->instants), on_marked, write);
}

static gboolean
on_turn_ends (gpointer user_data)
{
  ElvesCronOutbox *self = user_data;
  g_clear_pointer (&self->flush, g_source_unref);
  flush_sent (self);
  return G_SOURCE_REMOVE;
}

void
elves_cron_outbox_add_sent (ElvesCronOutbox *self, const ElvesCronShot *shot)
{
  ElvesCronInstant instant = { shot->id, shot->planned_us };
  g_array_append_val (self->sent, instant);
  if (self->flush != NULL || self->marking > 0)
    return;
  self->flush = g_idle_source_new ();
  g_source_set_callback (self->flush, on_turn_ends, self, NULL);
  g_source_attach (self->flush, g_main_context_get_thread_default ());
}

/* ---- outcomes ------------------------------------------------------------------------------- */

static void
count_outcome (const ElvesCronOutcome *outcome, gboolean is_news)
{
  if (!is_news && outcome->planned_us != 0)
    elves_cron_metrics.results_late++;
  else if (!is_news)
    elves_cron_metrics.results_unknown++;
  else if (outcome->flag && outcome->worker_flag == 1)
    elves_cron_metrics.ended_well++;
  else
    elves_cron_metrics.ended_badly++;
}

static void
on_ended (const ElvesCronOutcome *outcome, gboolean is_news, const GError *error, gpointer data)
{
  Write *write = data;
  ElvesCronOutbox *self = write_return (write);
  guint64 id = 0;
  if (error == NULL)
    count_outcome (outcome, is_news);
  if (write->done != NULL)
    write->done (error, write->user_data);
  else if (error != NULL && self != NULL)
    g_warning ("an outcome is not recorded: %s id=%s", error->message, outcome->id);
  if (self != NULL && outcome->planned_us != 0 && elves_cron_id_parse (outcome->id, &id))
    self->callbacks.ended (id, outcome->planned_us, self->user_data);
  write_free (write);
}

void
elves_cron_outbox_end (ElvesCronOutbox *self,
                       ElvesCronOutcome *outcome,
                       ElvesCronMarkedFunc done,
                       gpointer user_data)
{
  Write *write = write_new (self);
  write->done = done;
  write->user_data = user_data;
  elves_cron_firings_end (self->ledger, outcome, on_ended, write);
}

void
elves_cron_outbox_end_shot (ElvesCronOutbox *self,
                            const ElvesCronShot *shot,
                            gboolean ok,
                            const char *text,
                            gint cost_ms)
{
  ElvesCronOutcome *outcome = g_new0 (ElvesCronOutcome, 1);
  outcome->id = g_strdup (shot->plan->id);
  outcome->planned_us = shot->planned_us;
  outcome->ended_us = g_get_real_time ();
  outcome->flag = ok;
  outcome->worker_flag = ok ? 1 : -1;
  outcome->error = g_strdup (ok ? "" : text);
  outcome->message = g_strdup (ok ? text : "");
  outcome->cost_ms = cost_ms;
  elves_cron_outbox_end (self, outcome, NULL, NULL);
}

void
elves_cron_outbox_free_writes (ElvesCronOutbox *self)
{
  GList *place;
  if (self->flush != NULL)
    {
      g_source_destroy (self->flush);
      g_source_unref (self->flush);
    }
  while ((place = g_queue_pop_head_link (&self->writes)) != NULL)
    ((Write *) place->data)->outbox = NULL;
}
