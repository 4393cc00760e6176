/* The engine: sleeps until the first instant, decides all that are due, has them recorded.
 *
 * Promises: an instant is decided once, because its entry has moved on before anything else
 * happens; it is published only after its record is in the store; what could not be recorded is
 * recorded again, not decided again.
 *
 * Nothing more is decided while too much is on its way (cron.maxOutstanding) or while a batch could
 * not be recorded: instants are then late, not lost.
 *
 * The clock: what is older than cron.missedAfter was missed, whether the process, the machine or
 * the clock was away. Set back, the schedules wait for the clock; see decision.c. */
#include "cron/engine.h"

#include "common/backoff.h"
#include "common/crash-point.h"
#include "common/deadlines.h"
#include "cron/clock.h"
#include "cron/metrics.h"

enum
{
  BATCH = 500, /* records in one work */
  /* Of one entry before the others have their turn: so a backlog is recorded instant by instant, as
     all of them came, and the statements for many tasks of one instant are of use. */
  DECISIONS_MAX = 1,
  UNLIMITED_S = 86400 /* an execution without a timeout holds up its task so long */
};

struct ElvesCronEngine
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  ElvesCronEngineCallbacks callbacks;
  gpointer user_data;
  ElvesCronTimetable *timetable;
  ElvesCronClock *clock;
  ElvesDeadlines *deadlines;
  ElvesDeadline retry;
  guint retry_attempt;
  GQueue batches; /* of Batch: all that are not in the store */
  GQueue failed;  /* of Batch: to be recorded again */
  guint recording;
  gboolean is_running;
  gboolean is_held; /* the clock is not set: there was no room */
};

/* Records on their way into the store. */
typedef struct
{
  ElvesCronEngine *engine; /* NULL: it was freed meanwhile */
  GArray *records;
  gint64 begun_us;
  GList place;
} Batch;

static void wake (ElvesCronEngine *self);

/* ---- recording ------------------------------------------------------------------------------ */

static void
batch_free (Batch *batch)
{
  g_array_unref (batch->records);
  g_free (batch);
}

static void on_recorded (GPtrArray *shots, const GError *error, gpointer user_data);

static void
submit (Batch *batch)
{
  batch->begun_us = g_get_monotonic_time ();
  elves_cron_firings_record (batch->engine->ledger, g_array_ref (batch->records), on_recorded,
                             batch);
}

static void
on_retry_due (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesCronEngine *self = user_data;
  Batch *batch;
  while ((batch = g_queue_pop_head (&self->failed)) != NULL)
    submit (batch);
}

/* The store said no, which outages are not: its disk is full, too much waits, another one leads. */
static void
record_again_later (ElvesCronEngine *self, Batch *batch, const GError *error)
{
  guint delay_ms = elves_backoff_delay_ms (self->retry_attempt++, self->config->retry.first_ms,
                                           self->config->retry.cap_ms, g_random_double ());
  g_warning ("firings are not recorded: %s records=%u retry_ms=%u", error->message,
             batch->records->len, delay_ms);
  g_queue_push_tail (&self->failed, batch);
  elves_deadlines_arm (self->deadlines, &self->retry,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_retry_due, self);
}

static guint
count_fires (const GArray *records)
{
  guint n = 0;
  for (guint i = 0; i < records->len; i++)
    n += g_array_index (records, ElvesCronRecord, i).decision.verdict == ELVES_CRON_FIRE ? 1 : 0;
  return n;
}

static void
on_recorded (GPtrArray *shots, const GError *error, gpointer user_data)
{
  Batch *batch = user_data;
  ElvesCronEngine *self = batch->engine;
  if (self == NULL)
    {
      batch_free (batch);
      return;
    }
  if (error != NULL)
    {
      record_again_later (self, batch, error);
      return;
    }
  ELVES_CRASH_POINT ("cron-after-record");
  self->retry_attempt = 0;
  elves_histogram_add (&elves_cron_metrics.record_to_commit,
                       g_get_monotonic_time () - batch->begun_us);
  self->recording -= count_fires (batch->records);
  g_queue_unlink (&self->batches, &batch->place);
  batch_free (batch);
  self->callbacks.fire (shots, self->user_data);
  wake (self);
}

static void
record (ElvesCronEngine *self, GArray *records)
{
  Batch *batch = g_new0 (Batch, 1);
  batch->engine = self;
  batch->records = records;
  batch->place.data = batch;
  g_queue_push_tail_link (&self->batches, &batch->place);
  self->recording += count_fires (records);
  submit (batch);
}

/* ---- deciding ------------------------------------------------------------------------------- */

static void
count_verdict (ElvesCronVerdict verdict)
{
  switch (verdict)
    {
    case ELVES_CRON_FIRE:
      elves_cron_metrics.fired++;
      break;
    case ELVES_CRON_QUEUE:
      elves_cron_metrics.queued++;
      break;
    case ELVES_CRON_OVERLAPPED:
      elves_cron_metrics.overlapped++;
      break;
    case ELVES_CRON_MISSED:
      elves_cron_metrics.missed_ranges++;
      break;
    }
}

static void
set_limit (ElvesCronEngine *self, ElvesCronEntry *entry, gint64 now_us)
{
  gint64 limit_s = entry->limit_s != 0 ? (gint64) entry->limit_s : UNLIMITED_S;
  entry->running_until_s =
      (guint32) (now_us / G_USEC_PER_SEC + limit_s + self->config->result_grace_s);
}

static void fire_queued (ElvesCronEngine *self, guint64 id, gint64 planned_us);

/* An execution whose result does not come holds up its task no longer. */
static void
give_up_stale (ElvesCronEngine *self, ElvesCronEntry *entry, gint64 now_us)
{
  gint64 queued_us;
  if (entry->running_us == 0 || now_us / G_USEC_PER_SEC < entry->running_until_s)
    return;
  elves_cron_metrics.given_up++;
  g_info ("no result came: id=%016" G_GINT64_MODIFIER "X planned_us=%" G_GINT64_FORMAT, entry->id,
          entry->running_us);
  queued_us = elves_cron_release (entry, entry->running_us);
  if (queued_us == 0)
    return;
  set_limit (self, entry, now_us);
  fire_queued (self, entry->id, queued_us);
}

/* A quarter more than it may keep: its history is due. */
static void
ask_for_cut (ElvesCronEngine *self, ElvesCronEntry *entry, guint n)
{
  entry->unclean += n;
  if (entry->unclean <= self->config->history_count / 4 + 1)
    return;
  entry->unclean = 0;
  self->callbacks.unclean (entry->id, self->user_data);
}

static void
decide_entry (ElvesCronEngine *self, ElvesCronEntry *entry, gint64 now_us, GArray *records)
{
  ElvesCronDecision decisions[DECISIONS_MAX];
  gint64 missed_before_us = now_us - self->config->missed_after_s * (gint64) G_USEC_PER_SEC;
  guint n;
  give_up_stale (self, entry, now_us);
  n = elves_cron_decide (entry, now_us, missed_before_us, decisions, DECISIONS_MAX);
  for (guint i = 0; i < n; i++)
    {
      gboolean is_last = i + 1 == n && entry->next_us == ELVES_SCHEDULE_NEVER;
      ElvesCronRecord fresh = { entry->id, decisions[i], is_last };
      count_verdict (decisions[i].verdict);
      if (entry->running_us == decisions[i].planned_us)
        set_limit (self, entry, now_us);
      g_array_append_val (records, fresh);
    }
  ask_for_cut (self, entry, n);
  elves_cron_timetable_moved (self->timetable, entry);
  if (elves_cron_entry_is_over (entry) && entry->running_us == 0)
    elves_cron_timetable_remove (self->timetable, entry->id);
}

static gboolean
has_room (ElvesCronEngine *self)
{
  return self->is_running && g_queue_is_empty (&self->failed) &&
         self->recording + self->callbacks.outstanding (self->user_data) <
             self->config->max_outstanding;
}

/* Up to one batch. FALSE: nothing more is due, or there is no room. */
static gboolean
decide_some (ElvesCronEngine *self, gint64 now_us)
{
  GArray *records;
  ElvesCronEntry *first = elves_cron_timetable_first (self->timetable);
  if (first == NULL || first->next_us > now_us || !has_room (self))
    return FALSE;
  records = g_array_sized_new (FALSE, FALSE, sizeof (ElvesCronRecord), BATCH);
  while (first != NULL && first->next_us <= now_us && records->len < BATCH)
    {
      decide_entry (self, first, now_us, records);
      first = elves_cron_timetable_first (self->timetable);
    }
  record (self, records);
  return TRUE;
}

static void
wake (ElvesCronEngine *self)
{
  gint64 now_us = elves_cron_clock_now_us ();
  const ElvesCronEntry *first;
  while (decide_some (self, now_us))
    ;
  first = elves_cron_timetable_first (self->timetable);
  self->is_held = !has_room (self);
  elves_cron_clock_wake_at (self->clock,
                            first != NULL && !self->is_held ? first->next_us : G_MAXINT64);
}

static void
on_due (gint64 now_us, gpointer user_data)
{
  wake (user_data);
}

static void
on_jumped (gint64 by_us, gpointer user_data)
{
  elves_cron_metrics.clock_jumps++;
  g_warning ("the clock was set, or the machine slept: seconds=%.3f%s",
             (double) by_us / G_USEC_PER_SEC,
             by_us < 0 ? " (back: timed tasks wait until it shows their next instant)" : "");
}

/* ---- executions ----------------------------------------------------------------------------- */

static void
on_released (GPtrArray *shots, const GError *error, gpointer user_data)
{
  Batch *batch = user_data;
  ElvesCronEngine *self = batch->engine;
  if (self != NULL)
    g_queue_unlink (&self->batches, &batch->place);
  if (self != NULL && error == NULL)
    self->callbacks.fire (shots, self->user_data);
  else if (self != NULL)
    g_warning ("a queued instant does not fire now: %s", error->message);
  batch_free (batch);
}

static void
fire_queued (ElvesCronEngine *self, guint64 id, gint64 planned_us)
{
  Batch *batch = g_new0 (Batch, 1);
  batch->engine = self;
  batch->records = g_array_new (FALSE, FALSE, sizeof (ElvesCronRecord));
  batch->place.data = batch;
  g_queue_push_tail_link (&self->batches, &batch->place);
  elves_cron_firings_release (self->ledger, id, planned_us, on_released, batch);
}

void
elves_cron_engine_ended (ElvesCronEngine *self, guint64 id, gint64 planned_us)
{
  ElvesCronEntry *entry = elves_cron_timetable_find (self->timetable, id);
  gint64 queued_us;
  if (entry == NULL)
    return;
  queued_us = elves_cron_release (entry, planned_us);
  if (queued_us != 0)
    {
      set_limit (self, entry, elves_cron_clock_now_us ());
      fire_queued (self, id, queued_us);
    }
  else if (elves_cron_entry_is_over (entry) && entry->running_us == 0)
    elves_cron_timetable_remove (self->timetable, id);
}

static void
restore_running (ElvesCronEngine *self, const ElvesCronInstant *instant)
{
  ElvesCronEntry *entry = elves_cron_timetable_find (self->timetable, instant->id);
  if (entry == NULL)
    return;
  entry->running_us = instant->planned_us;
  set_limit (self, entry, elves_cron_clock_now_us ());
}

/* Of a task that has finished since, nothing is in memory: its last instant fires now. */
static void
restore_queued (ElvesCronEngine *self, const ElvesCronInstant *instant)
{
  ElvesCronEntry *entry = elves_cron_timetable_find (self->timetable, instant->id);
  if (entry != NULL && entry->running_us != 0)
    {
      entry->queued_us = instant->planned_us;
      return;
    }
  restore_running (self, instant);
  fire_queued (self, instant->id, instant->planned_us);
}

void
elves_cron_engine_restore (ElvesCronEngine *self, const GArray *running, const GArray *queued)
{
  for (guint i = 0; i < running->len; i++)
    restore_running (self, &g_array_index (running, ElvesCronInstant, i));
  for (guint i = 0; i < queued->len; i++)
    restore_queued (self, &g_array_index (queued, ElvesCronInstant, i));
}

/* ---- from start to end ---------------------------------------------------------------------- */

/**
 * elves_cron_engine_new:
 * @config: must outlive it, as must @ledger
 * @callbacks: copied
 *
 * Returns: (transfer full): an engine that does not run yet.
 */
ElvesCronEngine *
elves_cron_engine_new (const ElvesCronConfig *config,
                       ElvesCronLedger *ledger,
                       const ElvesCronEngineCallbacks *callbacks,
                       gpointer user_data,
                       GError **error)
{
  static const ElvesCronClockCallbacks clock_callbacks = { on_due, on_jumped };
  g_autoptr (ElvesCronEngine) self = g_new0 (ElvesCronEngine, 1);
  self->config = config;
  self->ledger = ledger;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->timetable = elves_cron_timetable_new ();
  self->deadlines = elves_deadlines_new ();
  self->clock = elves_cron_clock_new (&clock_callbacks, self, error);
  return self->clock != NULL ? g_steal_pointer (&self) : NULL;
}

/**
 * elves_cron_engine_free:
 * @self: (nullable): what is being recorded stays in the store; the next leader finds it
 */
void
elves_cron_engine_free (ElvesCronEngine *self)
{
  GList *place;
  Batch *batch;
  if (self == NULL)
    return;
  while ((batch = g_queue_pop_head (&self->failed)) != NULL)
    {
      g_queue_unlink (&self->batches, &batch->place);
      batch_free (batch);
    }
  while ((place = g_queue_pop_head_link (&self->batches)) != NULL)
    ((Batch *) place->data)->engine = NULL;
  elves_cron_clock_free (self->clock);
  elves_deadlines_free (self->deadlines);
  elves_cron_timetable_free (self->timetable);
  g_free (self);
}

void
elves_cron_engine_run (ElvesCronEngine *self)
{
  self->is_running = TRUE;
  wake (self);
}

void
elves_cron_engine_halt (ElvesCronEngine *self)
{
  self->is_running = FALSE;
}

gboolean
elves_cron_engine_add (ElvesCronEngine *self, ElvesCronEntry *entry)
{
  gboolean is_new = elves_cron_timetable_find (self->timetable, entry->id) == NULL;
  if (is_new && elves_cron_timetable_size (self->timetable) >= self->config->max_schedules)
    {
      elves_cron_entry_free (entry);
      return FALSE;
    }
  elves_cron_timetable_add (self->timetable, entry);
  if (self->is_running && elves_cron_timetable_first (self->timetable) == entry)
    wake (self);
  return TRUE;
}

void
elves_cron_engine_remove (ElvesCronEngine *self, guint64 id)
{
  elves_cron_timetable_remove (self->timetable, id);
}

ElvesCronEntry *
elves_cron_engine_steal (ElvesCronEngine *self, guint64 id)
{
  return elves_cron_timetable_steal (self->timetable, id);
}

gint64
elves_cron_engine_next_us (ElvesCronEngine *self, guint64 id)
{
  const ElvesCronEntry *entry = elves_cron_timetable_find (self->timetable, id);
  return entry != NULL ? entry->next_us : ELVES_SCHEDULE_NEVER;
}

guint
elves_cron_engine_size (ElvesCronEngine *self)
{
  return elves_cron_timetable_size (self->timetable);
}

void
elves_cron_engine_room (ElvesCronEngine *self)
{
  if (self->is_held && has_room (self))
    wake (self);
}

guint
elves_cron_engine_recording (ElvesCronEngine *self)
{
  return g_queue_get_length (&self->batches);
}
