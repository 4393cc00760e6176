/* Each result goes to a scheduler until one has answered "success".
 *
 *   added -> tried: origin, configured scheduler, registered ones -> taken: forgotten
 *              ^                      | none took it            | none knows it
 *              +---- back-off --------+                         +-> set aside, in the journal
 *
 * Set aside is a result of a job whose message no scheduler has (see `held` in the IDL): one of
 * them has ended the job without us, as lost, or the message waits in the broker; whoever gets it
 * asks, and then the result is added again.
 *
 * A scheduler that cannot be reached is left alone for a while, by all results; the first result
 * that one takes again sets all others going. One that refuses a single result is not blamed for
 * it. The number of results is bounded: a place is reserved when a job is accepted, so that a
 * result never finds the outbox full; no place, no job. So are their bytes, together with those of
 * the parameters of the jobs they are for; results of jobs accepted before that may go beyond.
 *
 * With a journal the results are there, and here are their keys, and of those that have just come
 * as many as may be on their way in lists: any other, and one that was not taken at once, is read
 * when it is about to leave, a few for each scheduler at one time. Without a journal, or when it
 * could not be written, they are in memory: an agent that is killed loses them.
 */
#include "agent/outbox.h"

#include "agent/courier.h"
#include "agent/journal-codec.h"
#include "agent/metrics.h"
#include "common/backoff.h"
#include "common/crash-point.h"
#include "common/log.h"

#define MAX_LINKS 4        /* to one scheduler */
#define MAX_READ 16        /* results read from the journal for one scheduler */
#define MAX_IDLE_PLACES 64 /* schedulers remembered although nothing is open to them */

/* A scheduler that was tried. */
typedef struct
{
  ElvesCourier *courier;
  ElvesOutbox *outbox;
  char *address;
  GQueue waiting; /* of Entry, by its place_link: to be read from the journal */
  guint loaded;   /* results being read or carried */
  guint read;     /* of them: from the journal */
  gboolean pumping;
  guint failures;       /* in a row, to reach it */
  gint64 away_until_us; /* not tried before */
} Place;

typedef struct
{
  ElvesOutbox *outbox;
  char *key;               /* (nullable) execution key */
  char *id;                /* of the job, for the log */
  ElvesReinstruct *result; /* (nullable): it is in the journal only */
  gboolean stored;         /* in the journal */
  char *origin;            /* (nullable) */
  guint next;              /* candidate to try, in this round */
  guint rounds;            /* without success */
  gboolean undecided;      /* somebody in this round may know it, later */
  Place *place;            /* (nullable) being carried there; NULL: waits for its deadline */
  ElvesDeadline deadline;
  gint64 since_us; /* added */
  GList link, place_link;
} Entry;

struct ElvesOutbox
{
  ElvesPoller *poller;
  const ElvesAgentConfig *config;
  ElvesSchedulers *schedulers;
  ElvesJournal *journal; /* (nullable) */
  ElvesOutboxIdleFunc idle;
  gpointer user_data;
  ElvesDeadlines *deadlines;
  GQueue entries;     /* of Entry, by its link */
  GHashTable *by_key; /* execution key -> Entry */
  GHashTable *places; /* address -> Place */
  guint reserved;
  guint64 bytes;      /* of params with a place, reserved or taken, and of results */
  guint64 kept_bytes; /* of results that are in the journal, too */
  ElvesLogThrottle refused_log;
};

static void route (Entry *entry);
static void pump (Place *place);
static void on_entry_due (ElvesDeadline *deadline, gpointer user_data);

static void
place_free (Place *place)
{
  elves_courier_free (place->courier);
  g_free (place->address);
  g_free (place);
}

static gsize
param_bytes (const ElvesInstruct *instruct)
{
  return g_bytes_get_size (instruct->param);
}

static gsize
result_bytes (const ElvesReinstruct *result)
{
  return result->result != NULL ? g_bytes_get_size (result->result) : 0;
}

/* About what it takes of the memory. */
static gsize
kept_bytes (const ElvesReinstruct *result)
{
  return param_bytes (result->instruct) + result_bytes (result) + 512;
}

static void
forget_kept (Entry *entry)
{
  if (entry->result == NULL)
    return;
  entry->outbox->kept_bytes -= kept_bytes (entry->result);
  g_clear_pointer (&entry->result, elves_reinstruct_unref);
}

static void
entry_free (Entry *entry)
{
  ElvesOutbox *self = entry->outbox;
  if (entry->stored)
    forget_kept (entry);
  else if (entry->result != NULL)
    self->bytes -= param_bytes (entry->result->instruct) + result_bytes (entry->result);
  const char *key = entry->key;
  if (key != NULL && g_hash_table_lookup (self->by_key, key) == entry)
    g_hash_table_remove (self->by_key, key);
  elves_deadlines_disarm (self->deadlines, &entry->deadline);
  g_queue_unlink (&self->entries, &entry->link);
  elves_reinstruct_unref (entry->result);
  g_free (entry->key);
  g_free (entry->id);
  g_free (entry->origin);
  g_free (entry);
}

static gint64
backoff_end_us (const ElvesOutbox *self, guint attempt)
{
  guint delay_ms = elves_backoff_delay_ms (attempt, self->config->retry_first_ms,
                                           self->config->retry_cap_ms, g_random_double ());
  return g_get_monotonic_time () + (gint64) delay_ms * 1000;
}

static void
note_unreachable (ElvesOutbox *self, Place *place, const char *detail)
{
  if (g_get_monotonic_time () < place->away_until_us)
    return; /* known already: results that were on their way together */
  place->away_until_us = backoff_end_us (self, place->failures);
  if (place->failures++ > 0)
    return;
  g_autofree char *error = elves_log_field ("error", detail);
  g_warning ("cannot report results to a scheduler, trying again scheduler=%s waiting=%u %s",
             place->address, elves_outbox_count (self), error);
}

static void
note_taken (ElvesOutbox *self, Place *place)
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
note_refused (ElvesOutbox *self, const Entry *entry, const char *detail)
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
unload (Entry *entry)
{
  entry->place->loaded--;
  entry->place->read -= entry->result == NULL;
}

static void
end_entry (Entry *entry)
{
  ElvesOutbox *self = entry->outbox;
  if (entry->stored)
    elves_journal_take (self->journal, entry->key);
  entry_free (entry);
}

static void
tell_if_idle (ElvesOutbox *self)
{
  if (g_queue_is_empty (&self->entries) && self->idle != NULL)
    self->idle (self->user_data);
}

static void
on_carried (ElvesCourier *courier,
            gpointer parcel,
            ElvesCarried how,
            const char *detail,
            gpointer user_data)
{
  Entry *entry = parcel;
  ElvesOutbox *self = entry->outbox;
  Place *place = entry->place;
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
      tell_if_idle (self);
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
  route (entry);
  pump (place);
}

/* ---- from the journal to a scheduler -------------------------------------------------------- */

static void
begin_round (Entry *entry)
{
  entry->next = 0;
  entry->undecided = FALSE;
}

static void
wait_for_next_round (Entry *entry)
{
  ElvesOutbox *self = entry->outbox;
  entry->place = NULL;
  if (entry->stored)
    forget_kept (entry);
  begin_round (entry);
  elves_deadlines_arm (self->deadlines, &entry->deadline, backoff_end_us (self, entry->rounds++),
                       on_entry_due, entry);
}

static void
on_result_read (const ElvesJournalReply *reply, gpointer user_data)
{
  Entry *entry = user_data;
  ElvesOutbox *self = entry->outbox;
  Place *place = entry->place;
  g_autoptr (ElvesReinstruct) result = elves_journal_unpack_result (reply->body);
  if (result != NULL)
    {
      elves_courier_send (place->courier, result, entry);
      return;
    }
  unload (entry);
  if (reply->error != NULL)
    wait_for_next_round (entry);
  else
    {
      g_autofree char *job = elves_log_field ("job", entry->id);
      g_critical ("the journal has no result to report %s execution=%s", job, entry->key);
      entry_free (entry);
    }
  pump (place);
  tell_if_idle (self);
}

static void
load (Place *place, Entry *entry)
{
  place->loaded++;
  place->read += entry->result == NULL;
  if (entry->result != NULL)
    elves_courier_send (place->courier, entry->result, entry);
  else
    elves_journal_read (place->outbox->journal, entry->key, on_result_read, entry);
}

static gboolean
may_load (const Place *place, const Entry *entry)
{
  const ElvesAgentConfig *config = place->outbox->config;
  return place->loaded < MAX_LINKS * config->max_results_list &&
         (entry->result != NULL || place->read < MAX_READ);
}

/* What waits for this place goes there, as far as there is room; or elsewhere, when it is away. */
static void
pump (Place *place)
{
  if (place->pumping || place->waiting.length == 0)
    return; /* whoever is called back from in here comes here again */
  place->pumping = TRUE;
  elves_courier_set_lists (place->courier,
                           elves_schedulers_take_lists (place->outbox->schedulers, place->address));
  while (place->waiting.length > 0)
    {
      gboolean away = g_get_monotonic_time () < place->away_until_us;
      Entry *entry = g_queue_peek_head (&place->waiting);
      if (!away && !may_load (place, entry))
        break;
      g_queue_unlink (&place->waiting, &entry->place_link);
      if (away)
        {
          entry->place = NULL;
          route (entry);
        }
      else
        load (place, entry);
    }
  place->pumping = FALSE;
}

static Place *
find_or_add_place (ElvesOutbox *self, const char *address)
{
  Place *place = g_hash_table_lookup (self->places, address);
  g_autofree char *host = NULL;
  guint16 port;
  if (place != NULL || !elves_scheduler_address_parse (address, &host, &port))
    return place;

  ElvesCourierOptions options = {
    .host = host,
    .port = port,
    .max_links = MAX_LINKS,
    .timeout_ms = self->config->scheduler_timeout_s * 1000,
    .max_list = self->config->max_results_list,
    .max_list_bytes = self->config->max_results_list_bytes,
  };
  place = g_new0 (Place, 1);
  place->outbox = self;
  place->address = g_strdup (address);
  place->courier = elves_courier_new (self->poller, self->deadlines, &options, on_carried, self);
  g_hash_table_insert (self->places, place->address, place);
  return place;
}

static void
on_entry_due (ElvesDeadline *deadline, gpointer user_data)
{
  route (user_data);
}

/* Nobody knows the job: who does will ask. */
static void
set_aside (Entry *entry)
{
  ElvesOutbox *self = entry->outbox;
  g_autofree char *job = elves_log_field ("job", entry->id);
  g_info ("no scheduler has its message: a result is set aside %s execution=%s", job, entry->key);
  elves_agent_metrics.results_set_aside++;
  elves_journal_set_aside (self->journal, entry->key);
  entry_free (entry);
  tell_if_idle (self);
}

/* To the next candidate of this round that may be reached; after the last one, the round waits. */
static void
route (Entry *entry)
{
  ElvesOutbox *self = entry->outbox;
  g_autoptr (GPtrArray) candidates = elves_schedulers_candidates (self->schedulers, entry->origin);
  while (entry->next < candidates->len)
    {
      Place *place = find_or_add_place (self, candidates->pdata[entry->next++]);
      if (place == NULL || g_get_monotonic_time () < place->away_until_us)
        {
          entry->undecided = TRUE;
          continue;
        }
      entry->place = place;
      entry->place_link.data = entry;
      g_queue_push_tail_link (&place->waiting, &entry->place_link);
      pump (place);
      return;
    }
  if (candidates->len > 0 && !entry->undecided && entry->stored)
    set_aside (entry);
  else
    wait_for_next_round (entry);
}

static gboolean
place_is_forgettable (gpointer key, gpointer value, gpointer user_data)
{
  const Place *place = value;
  const gint64 *now_us = user_data;
  return place->loaded == 0 && place->waiting.length == 0 &&
         elves_courier_is_idle (place->courier) && place->away_until_us <= *now_us;
}

/**
 * elves_outbox_new:
 * @poller: for the connections
 * @deadlines: for back-off and timeouts
 * @config: the agent's configuration
 * @schedulers: where results may go
 * @journal: (nullable): where they are kept
 * @idle: (nullable): called when the last result was taken
 * @user_data: for @idle
 *
 * Returns: (transfer full): an empty outbox
 */
ElvesOutbox *
elves_outbox_new (ElvesPoller *poller,
                  ElvesDeadlines *deadlines,
                  const ElvesAgentConfig *config,
                  ElvesSchedulers *schedulers,
                  ElvesJournal *journal,
                  ElvesOutboxIdleFunc idle,
                  gpointer user_data)
{
  ElvesOutbox *self = g_new0 (ElvesOutbox, 1);
  self->poller = poller;
  self->config = config;
  self->schedulers = schedulers;
  self->journal = journal;
  self->idle = idle;
  self->user_data = user_data;
  self->deadlines = deadlines;
  g_queue_init (&self->entries);
  self->by_key = g_hash_table_new (g_str_hash, g_str_equal);
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) place_free);
  return self;
}

/**
 * elves_outbox_free:
 * @self: (nullable): an outbox; results still in it and in no journal are lost
 */
void
elves_outbox_free (ElvesOutbox *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->places);
  while (!g_queue_is_empty (&self->entries))
    entry_free (self->entries.head->data);
  g_hash_table_unref (self->by_key);
  g_free (self);
}

/**
 * elves_outbox_reserve:
 * @self: an outbox
 *
 * @instruct: the job that it will be of
 *
 * Keeps a place for one result to come: end it with elves_outbox_add() or elves_outbox_release().
 *
 * Returns: whether there was one (results.max, results.maxBytes)
 */
gboolean
elves_outbox_reserve (ElvesOutbox *self, const ElvesInstruct *instruct)
{
  if (self->reserved + self->entries.length >= self->config->max_results ||
      (self->bytes > 0 && self->bytes + param_bytes (instruct) > self->config->max_results_bytes))
    return FALSE;
  self->reserved++;
  self->bytes += param_bytes (instruct);
  return TRUE;
}

/**
 * elves_outbox_reserve_anyway:
 * @self: an outbox
 * @instruct: the job that it will be of: it has ended, so there is nothing to refuse
 */
void
elves_outbox_reserve_anyway (ElvesOutbox *self, const ElvesInstruct *instruct)
{
  self->reserved++;
  self->bytes += param_bytes (instruct);
}

/**
 * elves_outbox_release:
 * @self: an outbox
 * @instruct: as given to elves_outbox_reserve()
 *
 * Gives a reserved place back: there will be no result.
 */
void
elves_outbox_release (ElvesOutbox *self, const ElvesInstruct *instruct)
{
  self->reserved--;
  self->bytes -= param_bytes (instruct);
}

static void
add_entry (ElvesOutbox *self, Entry *entry)
{
  gint64 now_us = g_get_monotonic_time ();
  if (g_hash_table_size (self->places) > MAX_IDLE_PLACES)
    g_hash_table_foreach_remove (self->places, place_is_forgettable, &now_us);
  entry->outbox = self;
  entry->since_us = now_us;
  entry->link.data = entry;
  g_queue_push_tail_link (&self->entries, &entry->link);
  if (entry->key != NULL)
    g_hash_table_replace (self->by_key, entry->key, entry);
  route (entry);
}

/**
 * elves_outbox_add:
 * @self: an outbox with a place reserved for this
 * @result: a result of the job that it was reserved for, in no journal; a reference is taken
 * @origin: (nullable): `host:port` of the scheduler to try first, accepted by
 * elves_schedulers_accept_origin()
 */
void
elves_outbox_add (ElvesOutbox *self, ElvesReinstruct *result, const char *origin)
{
  Entry *entry = g_new0 (Entry, 1);
  entry->result = elves_reinstruct_ref (result);
  entry->key = g_strdup (result->instruct->execution);
  entry->id = g_strdup (result->instruct->id);
  entry->origin = g_strdup (origin);
  self->reserved--;
  self->bytes += result_bytes (result);
  add_entry (self, entry);
}

static void
keep_if_small (Entry *entry, ElvesReinstruct *result)
{
  ElvesOutbox *self = entry->outbox;
  guint64 limit = 2 * MAX_LINKS * self->config->max_results_list_bytes;
  gsize bytes = kept_bytes (result);
  if (self->kept_bytes + bytes > limit)
    return;
  self->kept_bytes += bytes;
  entry->result = elves_reinstruct_ref (result);
}

/**
 * elves_outbox_add_stored:
 * @self: an outbox that has a journal; no place need be reserved
 * @key: execution of which the journal has the result
 * @id: id of its job
 * @result: (nullable): the result itself, if it is at hand
 * @origin: (nullable): as for elves_outbox_add()
 */
void
elves_outbox_add_stored (ElvesOutbox *self,
                         const char *key,
                         const char *id,
                         ElvesReinstruct *result,
                         const char *origin)
{
  if (elves_outbox_hasten (self, key, origin))
    return;
  Entry *entry = g_new0 (Entry, 1);
  entry->outbox = self;
  entry->stored = TRUE;
  if (result != NULL)
    keep_if_small (entry, result);
  entry->key = g_strdup (key);
  entry->id = g_strdup (id);
  entry->origin = g_strdup (origin);
  add_entry (self, entry);
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
  Entry *entry = g_hash_table_lookup (self->by_key, execution);
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
 * elves_outbox_holds:
 * @self: an outbox
 * @execution: an execution key
 *
 * Returns: whether the result of that execution waits to be taken
 */
gboolean
elves_outbox_holds (const ElvesOutbox *self, const char *execution)
{
  return g_hash_table_contains (self->by_key, execution);
}

/**
 * elves_outbox_count:
 * @self: an outbox
 *
 * Returns: results that no scheduler has taken yet
 */
guint
elves_outbox_count (const ElvesOutbox *self)
{
  return self->entries.length;
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
      Entry *entry = link->data;
      if (entry->place == NULL)
        elves_deadlines_arm (self->deadlines, &entry->deadline, now_us, on_entry_due, entry);
    }
}
