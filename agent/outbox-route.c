/* Which scheduler is tried when, for one result.
 *
 * A round goes through the candidates, in their order; a scheduler that cannot be reached is left
 * out. When none has taken the result, the next round begins after a back-off, or as soon as there
 * is a reason: somebody asks for the result, a scheduler is there again.
 *
 * Set aside is a result of a job whose message no scheduler has (see `held` in the IDL): one of
 * them has ended the job without us, as lost, or the message waits in the broker; whoever gets it
 * asks, and then the result is added again.
 */
#include "agent/outbox-private.h"

#include "agent/metrics.h"
#include "common/backoff.h"
#include "common/log.h"

gint64
elves_outbox_backoff_end_us (const ElvesOutbox *self, guint attempt)
{
  guint delay_ms = elves_backoff_delay_ms (attempt, self->config->retry_first_ms,
                                           self->config->retry_cap_ms, g_random_double ());
  return g_get_monotonic_time () + (gint64) delay_ms * 1000;
}

static void
begin_round (ElvesOutboxEntry *entry)
{
  entry->next = 0;
  entry->undecided = FALSE;
}

static void
on_entry_due (ElvesDeadline *deadline, gpointer user_data)
{
  elves_outbox_entry_route (user_data);
}

void
elves_outbox_entry_wait_for_next_round (ElvesOutboxEntry *entry)
{
  ElvesOutbox *self = entry->outbox;
  entry->place = NULL;
  if (entry->stored)
    elves_outbox_entry_forget_result (entry);
  begin_round (entry);
  elves_deadlines_arm (self->deadlines, &entry->deadline,
                       elves_outbox_backoff_end_us (self, entry->rounds++), on_entry_due, entry);
}

/* Nobody knows the job: who does will ask. */
static void
set_aside (ElvesOutboxEntry *entry)
{
  ElvesOutbox *self = entry->outbox;
  g_autofree char *job = elves_log_field ("job", entry->id);
  g_info ("no scheduler has its message: a result is set aside %s execution=%s", job, entry->key);
  elves_agent_metrics.results_set_aside++;
  elves_journal_set_aside (self->journal, entry->key);
  elves_outbox_entry_free (entry);
  elves_outbox_tell_if_idle (self);
}

/* To the next candidate of this round that may be reached; after the last one, the round waits. */
void
elves_outbox_entry_route (ElvesOutboxEntry *entry)
{
  ElvesOutbox *self = entry->outbox;
  g_autoptr (GPtrArray) candidates = elves_schedulers_candidates (self->schedulers, entry->origin);
  while (entry->next < candidates->len)
    {
      ElvesOutboxPlace *place =
          elves_outbox_find_or_add_place (self, candidates->pdata[entry->next++]);
      if (place == NULL || elves_outbox_place_is_away (place))
        {
          entry->undecided = TRUE;
          continue;
        }
      elves_outbox_place_take (place, entry);
      return;
    }
  if (candidates->len > 0 && !entry->undecided && entry->stored)
    set_aside (entry);
  else
    elves_outbox_entry_wait_for_next_round (entry);
}

/**
 * elves_outbox_hasten:
 * @self: an outbox
 * @execution: an execution key
 * @origin: (nullable): the scheduler to try first from now on
 *
 * Somebody asks for that result: it is tried now, unless it is on its way.
 *
 * Returns: whether it waits here
 */
gboolean
elves_outbox_hasten (ElvesOutbox *self, const char *execution, const char *origin)
{
  ElvesOutboxEntry *entry = g_hash_table_lookup (self->by_key, execution);
  if (entry == NULL)
    return FALSE;
  if (origin != NULL)
    {
      g_free (entry->origin);
      entry->origin = g_strdup (origin);
    }
  begin_round (entry);
  if (entry->place == NULL)
    {
      elves_deadlines_arm (self->deadlines, &entry->deadline, g_get_monotonic_time (), on_entry_due,
                           entry);
    }
  return TRUE;
}

/**
 * elves_outbox_try_now:
 * @self: an outbox
 *
 * A scheduler is there (again): what waits for its next round begins it now.
 */
void
elves_outbox_try_now (ElvesOutbox *self)
{
  gint64 now_us = g_get_monotonic_time ();
  for (GList *link = self->entries.head; link != NULL; link = link->next)
    {
      ElvesOutboxEntry *entry = link->data;
      if (entry->place == NULL)
        elves_deadlines_arm (self->deadlines, &entry->deadline, now_us, on_entry_due, entry);
    }
}
