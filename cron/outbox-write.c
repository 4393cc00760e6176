/* What becomes of shots, into the store: that they were sent, and how they ended.
 *
 * Marks are gathered while the store writes the last ones. What the store refuses is written again
 * after a back-off, until another process leads; how much may wait is bounded by who decides and by
 * mq.prefetch, because neither goes on before it is written. */
#include "cron/outbox-private.h"

#include "common/backoff.h"
#include "common/error.h"
#include "cron/metrics.h"

/* Something on its way into the store. */
typedef struct
{
  ElvesCronOutbox *outbox;  /* NULL: it was freed meanwhile */
  GArray *instants;         /* (nullable) of marks */
  ElvesCronMarkedFunc done; /* (nullable) */
  gpointer user_data;
  ElvesCronOutcome *waiting; /* (nullable) until it is written again */
  ElvesDeadline again;
  guint attempt;
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
  elves_cron_outcome_free (write->waiting);
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

static void on_ended (const ElvesCronOutcome *outcome,
                      gboolean is_news,
                      const GError *error,
                      gpointer user_data);

static void
on_again_due (ElvesDeadline *deadline, gpointer user_data)
{
  Write *write = user_data;
  elves_cron_firings_end (write->outbox->ledger, g_steal_pointer (&write->waiting), on_ended,
                          write);
}

static void
write_again_later (Write *write, const ElvesCronOutcome *outcome, const GError *error)
{
  ElvesCronOutbox *self = write->outbox;
  guint delay_ms = elves_backoff_delay_ms (write->attempt++, self->config->retry.first_ms,
                                           self->config->retry.cap_ms, g_random_double ());
  elves_cron_metrics.outcomes_retried++;
  g_warning ("an outcome is not recorded: %s id=%s retry_ms=%u", error->message, outcome->id,
             delay_ms);
  write->waiting = elves_cron_outcome_copy (outcome);
  elves_deadlines_arm (self->deadlines, &write->again,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_again_due, write);
}

static void
tell (ElvesCronOutbox *self, const ElvesCronOutcome *outcome)
{
  guint64 id = 0;
  if (outcome->step == ELVES_CRON_STEP_DELIVERED)
    self->callbacks.delivered (outcome->report_until_us, self->user_data);
  else if (outcome->step == ELVES_CRON_STEP_END && outcome->planned_us != 0 &&
           elves_cron_id_parse (outcome->id, &id))
    self->callbacks.ended (id, outcome->planned_us, self->user_data);
}

static void
on_ended (const ElvesCronOutcome *outcome,
          gboolean is_news,
          const GError *error,
          gpointer user_data)
{
  Write *write = user_data;
  ElvesCronOutbox *self = write->outbox;
  if (self != NULL && error != NULL && !g_error_matches (error, ELVES_ERROR, ELVES_ERROR_REFUSED))
    {
      write_again_later (write, outcome, error);
      return;
    }
  write_return (write);
  if (error == NULL && outcome->step == ELVES_CRON_STEP_END)
    count_outcome (outcome, is_news);
  if (write->done != NULL)
    write->done (error, write->user_data);
  if (self != NULL && error == NULL)
    {
      tell (self, outcome);
      self->callbacks.out (self->user_data);
    }
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

ElvesCronOutcome *
elves_cron_outbox_outcome (const ElvesCronShot *shot, gboolean ok, const char *text, gint cost_ms)
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
  return outcome;
}

void
elves_cron_outbox_end_shot (ElvesCronOutbox *self,
                            const ElvesCronShot *shot,
                            gboolean ok,
                            const char *text,
                            gint cost_ms)
{
  elves_cron_outbox_end (self, elves_cron_outbox_outcome (shot, ok, text, cost_ms), NULL, NULL);
}

/* What waits to be written again is given up: the broker gives its message out again, or the next
   leader finds the execution open. */
static void
give_up (Write *write)
{
  g_autoptr (GError) error = NULL;
  write->outbox = NULL;
  if (write->waiting == NULL)
    return;
  error = g_error_new_literal (ELVES_ERROR, ELVES_ERROR_REFUSED, "this elves-cron leads no longer");
  if (write->done != NULL)
    write->done (error, write->user_data);
  write_free (write);
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
    {
      Write *write = place->data;
      elves_deadlines_disarm (self->deadlines, &write->again);
      give_up (write);
    }
}
