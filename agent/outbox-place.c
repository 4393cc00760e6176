/* One scheduler to which results go: they are read from the journal, carried, and it answers.
 *
 * One that cannot be reached is left alone for a while, by all results; the first result that it
 * takes again sets all others going. One that refuses a single result is not blamed for it.
 */
#include "agent/outbox-private.h"

#include "agent/courier.h"
#include "agent/journal-codec.h"
#include "agent/metrics.h"
#include "common/crash-point.h"
#include "common/log.h"

#define MAX_READ 16        /* results read from the journal for one scheduler */
#define MAX_IDLE_PLACES 64 /* schedulers remembered although nothing is open to them */

struct ElvesOutboxPlace
{
  ElvesCourier *courier;
  ElvesOutbox *outbox;
  char *address;
  GQueue waiting; /* of ElvesOutboxEntry, by its place_link: until there is room */
  guint loaded;   /* results being read or carried */
  guint read;     /* of them: from the journal */
  gboolean pumping;
  guint failures;       /* in a row, to reach it */
  gint64 away_until_us; /* not tried before */
};

gboolean
elves_outbox_place_is_away (const ElvesOutboxPlace *self)
{
  return g_get_monotonic_time () < self->away_until_us;
}

/* ---- on the way ----------------------------------------------------------------------------- */

static void
unload (ElvesOutboxEntry *entry)
{
  entry->place->loaded--;
  entry->place->read -= entry->result == NULL;
}

static void pump (ElvesOutboxPlace *place);

static void
on_result_read (const ElvesJournalReply *reply, gpointer user_data)
{
  ElvesOutboxEntry *entry = user_data;
  ElvesOutbox *self = entry->outbox;
  ElvesOutboxPlace *place = entry->place;
  g_autoptr (ElvesReinstruct) result = elves_journal_unpack_result (reply->body);
  if (result != NULL)
    {
      elves_courier_send (place->courier, result, entry);
      return;
    }
  unload (entry);
  if (reply->error != NULL)
    elves_outbox_entry_wait_for_next_round (entry);
  else
    {
      g_autofree char *job = elves_log_field ("job", entry->id);
      g_critical ("the journal has no result to report %s execution=%s", job, entry->key);
      elves_outbox_entry_free (entry);
    }
  pump (place);
  elves_outbox_tell_if_idle (self);
}

static void
load (ElvesOutboxPlace *place, ElvesOutboxEntry *entry)
{
  place->loaded++;
  place->read += entry->result == NULL;
  if (entry->result != NULL)
    elves_courier_send (place->courier, entry->result, entry);
  else
    elves_journal_read (place->outbox->journal, entry->key, on_result_read, entry);
}

static gboolean
may_load (const ElvesOutboxPlace *place, const ElvesOutboxEntry *entry)
{
  const ElvesAgentConfig *config = place->outbox->config;
  return place->loaded < ELVES_OUTBOX_MAX_LINKS * config->max_results_list &&
         (entry->result != NULL || place->read < MAX_READ);
}

/* What waits for this place goes there, as far as there is room; or elsewhere, when it is away. */
static void
pump (ElvesOutboxPlace *place)
{
  if (place->pumping || place->waiting.length == 0)
    return; /* whoever is called back from in here comes here again */
  place->pumping = TRUE;
  elves_courier_set_lists (place->courier,
                           elves_schedulers_take_lists (place->outbox->schedulers, place->address));
  while (place->waiting.length > 0)
    {
      gboolean away = elves_outbox_place_is_away (place);
      ElvesOutboxEntry *entry = g_queue_peek_head (&place->waiting);
      if (!away && !may_load (place, entry))
        break;
      g_queue_unlink (&place->waiting, &entry->place_link);
      if (away)
        {
          entry->place = NULL;
          elves_outbox_entry_route (entry);
        }
      else
        load (place, entry);
    }
  place->pumping = FALSE;
}

void
elves_outbox_place_take (ElvesOutboxPlace *self, ElvesOutboxEntry *entry)
{
  entry->place = self;
  entry->place_link.data = entry;
  g_queue_push_tail_link (&self->waiting, &entry->place_link);
  pump (self);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
note_unreachable (ElvesOutbox *self, ElvesOutboxPlace *place, const char *detail)
{
  if (elves_outbox_place_is_away (place))
    return; /* known already: results that were on their way together */
  place->away_until_us = elves_outbox_backoff_end_us (self, place->failures);
  if (place->failures++ > 0)
    return;
  g_autofree char *error = elves_log_field ("error", detail);
  g_warning ("cannot report results to a scheduler, trying again scheduler=%s waiting=%u %s",
             place->address, elves_outbox_count (self), error);
}

static void
note_taken (ElvesOutbox *self, ElvesOutboxPlace *place)
{
  if (place->failures == 0)
    return;
  place->failures = 0;
  place->away_until_us = 0;
  g_message ("results are reported again scheduler=%s waiting=%u", place->address,
             elves_outbox_count (self));
  elves_outbox_try_now (self);
}

static void
note_refused (ElvesOutbox *self, const ElvesOutboxEntry *entry, const char *detail)
{
  guint held_back = 0;
  if (!elves_log_throttle_pass (&self->refused_log, g_get_monotonic_time (), &held_back))
    return;
  g_autofree char *job = elves_log_field ("job", entry->id);
  g_autofree char *answer = elves_log_field ("answer", detail);
  g_warning ("a scheduler did not take a result, trying again %s scheduler=%s %s more=%u", job,
             entry->place->address, answer, held_back);
}

static void
end_entry (ElvesOutboxEntry *entry)
{
  ElvesOutbox *self = entry->outbox;
  if (entry->stored)
    elves_journal_take (self->journal, entry->key);
  elves_outbox_entry_free (entry);
}

static void
on_carried (ElvesCourier *courier,
            gpointer parcel,
            ElvesCarried how,
            const char *detail,
            gpointer user_data)
{
  ElvesOutboxEntry *entry = parcel;
  ElvesOutbox *self = entry->outbox;
  ElvesOutboxPlace *place = entry->place;
  unload (entry);
  if (how == ELVES_CARRIED_TAKEN)
    {
      ELVES_CRASH_POINT ("after-report");
      elves_agent_metrics.results_taken++;
      elves_histogram_add (&elves_agent_metrics.finish_to_taken,
                           g_get_monotonic_time () - entry->since_us);
      end_entry (entry);
      note_taken (self, place);
      pump (place);
      elves_outbox_tell_if_idle (self);
      return;
    }

  if (how == ELVES_CARRIED_UNREACHABLE)
    note_unreachable (self, place, detail);
  else if (how == ELVES_CARRIED_REFUSED)
    note_refused (self, entry, detail);
  if (how != ELVES_CARRIED_NOT_HELD)
    {
      elves_agent_metrics.reports_failed++;
      entry->undecided = TRUE;
    }
  entry->place = NULL;
  elves_outbox_entry_route (entry);
  pump (place);
}

/* ---- places --------------------------------------------------------------------------------- */

ElvesOutboxPlace *
elves_outbox_find_or_add_place (ElvesOutbox *self, const char *address)
{
  ElvesOutboxPlace *place = g_hash_table_lookup (self->places, address);
  g_autofree char *host = NULL;
  guint16 port;
  if (place != NULL || !elves_scheduler_address_parse (address, &host, &port))
    return place;

  ElvesCourierOptions options = {
    .host = host,
    .port = port,
    .max_links = ELVES_OUTBOX_MAX_LINKS,
    .timeout_ms = self->config->scheduler_timeout_s * 1000,
    .max_list = self->config->max_results_list,
    .max_list_bytes = self->config->max_results_list_bytes,
  };
  place = g_new0 (ElvesOutboxPlace, 1);
  place->outbox = self;
  place->address = g_strdup (address);
  place->courier = elves_courier_new (self->poller, self->deadlines, &options, on_carried, self);
  g_hash_table_insert (self->places, place->address, place);
  return place;
}

static gboolean
place_is_forgettable (gpointer key, gpointer value, gpointer user_data)
{
  const ElvesOutboxPlace *place = value;
  const gint64 *now_us = user_data;
  return place->loaded == 0 && place->waiting.length == 0 &&
         elves_courier_is_idle (place->courier) && place->away_until_us <= *now_us;
}

void
elves_outbox_forget_idle_places (ElvesOutbox *self)
{
  gint64 now_us = g_get_monotonic_time ();
  if (g_hash_table_size (self->places) > MAX_IDLE_PLACES)
    g_hash_table_foreach_remove (self->places, place_is_forgettable, &now_us);
}

void
elves_outbox_place_free (ElvesOutboxPlace *self)
{
  elves_courier_free (self->courier);
  g_free (self->address);
  g_free (self);
}
