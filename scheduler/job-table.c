/* The list of jobs in flight. RabbitMQ keeps the same list, as unacknowledged deliveries; this one
 * says what has become of each.
 *
 * A lost connection to the broker makes every delivery void: the broker gives the messages out
 * again, to us or to another scheduler, while the jobs go on. A message that comes again is
 * recognised by what it asks, member by member, since a tag means nothing on a new connection: a
 * job that is still in flight takes the new delivery over, a job that has ended meanwhile is only
 * to be acknowledged. Of identical messages each stands for one job. Ended jobs are remembered for
 * REMEMBERED_US: after that the message has gone to somebody else.
 *
 * A message that was published again with its execution key is recognised by that. */
#include "scheduler/job-table.h"

#include "scheduler/final-keys.h"

static const gint64 REMEMBERED_US = 5 * 60 * G_USEC_PER_SEC;

/* A flight whose delivery was lost. */
typedef struct
{
  ElvesFlight *flight; /* owned */
  gint64 lost_us;
} Orphan;

struct ElvesJobTable
{
  GQueue flights;           /* of ElvesFlight, owned, by its place; oldest first */
  GHashTable *by_execution; /* execution -> GQueue of ElvesFlight, by that place of theirs */
  GHashTable *by_type_id;   /* type and id -> the same, oldest first; async */
  GHashTable *orphans;      /* identity -> GQueue of Orphan */
  GQueue ended;             /* of ElvesFlight, owned, oldest first; at most prefetch */
  guint prefetch;
  ElvesFinalKeys *finals;
};

static void
orphan_free (gpointer data)
{
  Orphan *orphan = data;

  elves_flight_unref (orphan->flight);
  g_free (orphan);
}

static void
orphans_free (gpointer data)
{
  g_queue_free_full (data, orphan_free);
}

/* Of places that belong to flights. */
static void
places_free (gpointer data)
{
  g_queue_init (data);
  g_queue_free (data);
}

/**
 * elves_job_table_new:
 * @prefetch: how many deliveries the broker leaves unacknowledged at most.
 * @remember: how many executions that have ended are remembered.
 *
 * Returns: (transfer full): an empty table.
 */
ElvesJobTable *
elves_job_table_new (guint prefetch, guint remember)
{
  ElvesJobTable *self = g_new0 (ElvesJobTable, 1);

  self->prefetch = prefetch;
  self->finals = elves_final_keys_new (remember);
  self->by_execution = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, places_free);
  self->by_type_id = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, places_free);
  self->orphans = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, orphans_free);
  return self;
}

static void
let_go (ElvesJobTable *self, ElvesFlight *flight)
{
  g_queue_unlink (&self->flights, &flight->place);
  flight->place.data = NULL;
  elves_flight_unref (flight);
}

/**
 * elves_job_table_free:
 * @self: (nullable): the table and its references to flights.
 */
void
elves_job_table_free (ElvesJobTable *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->by_execution);
  g_hash_table_unref (self->by_type_id);
  while (self->flights.head != NULL)
    let_go (self, self->flights.head->data);
  g_hash_table_unref (self->orphans);
  g_queue_clear_full (&self->ended, (GDestroyNotify) elves_flight_unref);
  elves_final_keys_free (self->finals);
  g_free (self);
}

/**
 * elves_job_table_size:
 * @self: the table.
 *
 * Returns: how many jobs are in flight.
 */
guint
elves_job_table_size (ElvesJobTable *self)
{
  return self->flights.length;
}

/**
 * elves_job_table_foreach:
 * @self: the table.
 * @func: called with each flight, oldest first; may not change the table.
 * @user_data: for @func.
 */
void
elves_job_table_foreach (ElvesJobTable *self,
                         void (*func) (ElvesFlight *flight, gpointer user_data),
                         gpointer user_data)
{
  for (GList *place = self->flights.head; place != NULL; place = place->next)
    func (place->data, user_data);
}

static char *
type_id_key (const ElvesInstruct *instruct)
{
  g_autofree char *type = g_ascii_strdown (instruct->type, -1);

  return g_strdup_printf ("%s\x1f%s", type, instruct->id);
}

/* The one that is there, or a new one. */
static GQueue *
queue_of (GHashTable *index, const char *key)
{
  GQueue *queue = g_hash_table_lookup (index, key);

  if (queue == NULL)
    {
      queue = g_queue_new ();
      g_hash_table_insert (index, g_strdup (key), queue);
    }
  return queue;
}

static void
index_add (GHashTable *index, const char *key, GList *place)
{
  g_queue_push_tail_link (queue_of (index, key), place);
}

/* @place: one that is there. So many may have one key that it is not looked for. */
static void
index_remove (GHashTable *index, const char *key, GList *place)
{
  GQueue *queue = g_hash_table_lookup (index, key);

  g_queue_unlink (queue, place);
  if (queue->length == 0)
    g_hash_table_remove (index, key);
}

/**
 * elves_job_table_add:
 * @self: the table.
 * @flight: a new flight; a reference is taken.
 */
void
elves_job_table_add (ElvesJobTable *self, ElvesFlight *flight)
{
  const ElvesInstruct *instruct = flight->job->instruct;
  g_autofree char *key = NULL;

  flight->place.data = elves_flight_ref (flight);
  g_queue_push_tail_link (&self->flights, &flight->place);
  if (instruct->execution != NULL)
    index_add (self->by_execution, instruct->execution, &flight->by_execution);
  if (flight->job->kind != ELVES_JOB_ASYNC)
    return;
  key = type_id_key (instruct);
  index_add (self->by_type_id, key, &flight->by_type_id);
}

/**
 * elves_job_table_rekey:
 * @self: the table.
 * @flight: one in it, no call of which is under way.
 * @execution: under which its agent knows it.
 */
void
elves_job_table_rekey (ElvesJobTable *self, ElvesFlight *flight, const char *execution)
{
  ElvesInstruct *instruct = flight->job->instruct;

  if (g_strcmp0 (instruct->execution, execution) == 0)
    return;
  if (instruct->execution != NULL)
    index_remove (self->by_execution, instruct->execution, &flight->by_execution);
  g_free (instruct->execution);
  instruct->execution = g_strdup (execution);
  index_add (self->by_execution, execution, &flight->by_execution);
}

/**
 * elves_job_table_is_final:
 * @self: the table.
 * @instruct: of a job.
 *
 * Returns: whether its outcome has been published, or taken by somebody else.
 */
gboolean
elves_job_table_is_final (ElvesJobTable *self, const ElvesInstruct *instruct)
{
  return instruct->execution != NULL &&
         elves_final_keys_contain (self->finals, instruct->type, instruct->execution);
}

/**
 * elves_job_table_add_final:
 * @self: the table.
 * @instruct: of a job whose outcome has been published.
 */
void
elves_job_table_add_final (ElvesJobTable *self, const ElvesInstruct *instruct)
{
  if (instruct->execution != NULL)
    elves_final_keys_add (self->finals, instruct->type, instruct->execution);
}

/* What a message asks, as one text: equal for a message and its redelivery. The ids that the parser
   makes up for sync jobs are left out, they differ each time. */
static char *
identity_of (const ElvesJob *job)
{
  const ElvesInstruct *instruct = job->instruct;
  gboolean async = job->kind == ELVES_JOB_ASYNC;
  g_autofree char *param = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, instruct->param);
  char timeout[16];

  g_snprintf (timeout, sizeof timeout, "%d", instruct->timeout_s);
#define TEXT(text) ((text) != NULL ? (text) : "")
  return g_strjoin ("\x1f", TEXT (job->from), TEXT (job->action), TEXT (job->correlation),
                    TEXT (job->reply.routing_key), TEXT (job->reply.correlation_id),
                    TEXT (job->rand_id), TEXT (job->mode), async ? instruct->id : "",
                    instruct->type, instruct->ip, instruct->app, instruct->func, instruct->proxy,
                    timeout, param, NULL);
#undef TEXT
}

static void
take_out (ElvesJobTable *self, ElvesFlight *flight)
{
  const ElvesInstruct *instruct = flight->job->instruct;

  if (flight->place.data == NULL)
    return;
  if (instruct->execution != NULL)
    index_remove (self->by_execution, instruct->execution, &flight->by_execution);
  if (flight->job->kind == ELVES_JOB_ASYNC)
    {
      g_autofree char *key = type_id_key (instruct);

      index_remove (self->by_type_id, key, &flight->by_type_id);
    }
  let_go (self, flight);
}

/**
 * elves_job_table_drop:
 * @self: the table.
 * @flight: a flight that has not ended here: somebody else has its message. Should that come here
 * after all, it is a new one.
 */
void
elves_job_table_drop (ElvesJobTable *self, ElvesFlight *flight)
{
  flight->custody = ELVES_CUSTODY_ACKED;
  take_out (self, flight);
}

/**
 * elves_job_table_remove:
 * @self: the table.
 * @flight: a flight that has ended.
 */
void
elves_job_table_remove (ElvesJobTable *self, ElvesFlight *flight)
{
  elves_job_table_add_final (self, flight->job->instruct);
  g_queue_push_tail (&self->ended, elves_flight_ref (flight));
  if (self->ended.length > self->prefetch)
    elves_flight_unref (g_queue_pop_head (&self->ended));
  take_out (self, flight);
}

/**
 * elves_job_table_find_result:
 * @self: the table.
 * @instruct: as the agent sent it back.
 *
 * Returns: (transfer full) (element-type ElvesFlight): who waits for it.
 */
GPtrArray *
elves_job_table_find_result (ElvesJobTable *self, const ElvesInstruct *instruct)
{
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_flight_unref);
  g_autofree char *key = NULL;
  GQueue *queue;

  if (instruct->execution != NULL)
    {
      queue = g_hash_table_lookup (self->by_execution, instruct->execution);
      for (GList *place = queue != NULL ? queue->head : NULL; place != NULL; place = place->next)
        if (((ElvesFlight *) place->data)->job->kind == ELVES_JOB_ASYNC)
          g_ptr_array_add (found, elves_flight_ref (place->data));
      return found;
    }

  key = type_id_key (instruct);
  queue = g_hash_table_lookup (self->by_type_id, key);
  for (GList *place = queue != NULL ? queue->head : NULL; place != NULL; place = place->next)
    if (((ElvesFlight *) place->data)->state < ELVES_FLIGHT_PUBLISHING)
      {
        g_ptr_array_add (found, elves_flight_ref (place->data));
        break;
      }
  return found;
}

static gboolean
is_forgotten (const Orphan *orphan, gint64 now_us)
{
  const ElvesFlight *flight = orphan->flight;

  return (flight->state == ELVES_FLIGHT_DONE || flight->custody != ELVES_CUSTODY_LOST) &&
         orphan->lost_us + REMEMBERED_US < now_us;
}

static void
forget_old_orphans (ElvesJobTable *self, gint64 now_us)
{
  GHashTableIter iter;
  gpointer queue;

  g_hash_table_iter_init (&iter, self->orphans);
  while (g_hash_table_iter_next (&iter, NULL, &queue))
    {
      while (!g_queue_is_empty (queue) && is_forgotten (g_queue_peek_head (queue), now_us))
        orphan_free (g_queue_pop_head (queue));
      if (g_queue_is_empty (queue))
        g_hash_table_iter_remove (&iter);
    }
}

static void
add_orphan (ElvesJobTable *self, ElvesFlight *flight, gint64 now_us)
{
  g_autofree char *identity = identity_of (flight->job);
  Orphan *orphan = g_new0 (Orphan, 1);

  flight->custody = ELVES_CUSTODY_LOST;
  flight->tag = 0;
  flight->lost_us = now_us;
  flight->is_transient = flight->message != NULL && flight->message->is_transient;
  flight->republish_at_us = 0;
  g_clear_pointer (&flight->message, elves_delivery_free);
  orphan->flight = elves_flight_ref (flight);
  orphan->lost_us = now_us;
  g_queue_push_tail (queue_of (self->orphans, identity), orphan);
}

static gboolean
is_lost_with (const ElvesFlight *flight, guint64 epoch)
{
  return flight->custody == ELVES_CUSTODY_HELD && flight->epoch == epoch;
}

/**
 * elves_job_table_lose_deliveries:
 * @self: the table.
 * @epoch: of the connection to the broker that is gone.
 */
void
elves_job_table_lose_deliveries (ElvesJobTable *self, guint64 epoch)
{
  gint64 now_us = g_get_monotonic_time ();
  ElvesFlight *flight;

  forget_old_orphans (self, now_us);
  for (GList *place = self->flights.head; place != NULL; place = place->next)
    if (is_lost_with (place->data, epoch))
      add_orphan (self, place->data, now_us);
  while ((flight = g_queue_pop_head (&self->ended)) != NULL)
    {
      if (is_lost_with (flight, epoch))
        add_orphan (self, flight, now_us);
      elves_flight_unref (flight);
    }
}

/* (transfer full) (nullable): one that asked the same and whose delivery was lost. */
static ElvesFlight *
take_orphan (ElvesJobTable *self, const ElvesJob *job)
{
  g_autofree char *identity = identity_of (job);
  GQueue *queue = g_hash_table_lookup (self->orphans, identity);
  ElvesFlight *found = NULL;

  while (queue != NULL && found == NULL && !g_queue_is_empty (queue))
    {
      Orphan *orphan = g_queue_pop_head (queue);

      if (orphan->flight->custody == ELVES_CUSTODY_LOST)
        found = elves_flight_ref (orphan->flight);
      orphan_free (orphan);
    }
  if (queue != NULL && g_queue_is_empty (queue))
    g_hash_table_remove (self->orphans, identity);
  return found;
}

/* (transfer full) (nullable): one of the same key whose message was published again. While that
   is not confirmed it still holds its old delivery. */
static ElvesFlight *
find_by_key (ElvesJobTable *self, const ElvesJob *job)
{
  const char *execution = job->instruct->execution;
  GQueue *queue = execution != NULL ? g_hash_table_lookup (self->by_execution, execution) : NULL;

  for (GList *place = queue != NULL ? queue->head : NULL; place != NULL; place = place->next)
    {
      ElvesFlight *flight = place->data;

      if (flight->job->kind == job->kind &&
          (flight->custody == ELVES_CUSTODY_LOST || flight->is_republished))
        return elves_flight_ref (flight);
    }
  return NULL;
}

static void
attach (ElvesFlight *flight, guint64 epoch, guint64 tag)
{
  flight->custody = ELVES_CUSTODY_HELD;
  flight->is_republished = FALSE;
  flight->epoch = epoch;
  flight->tag = tag;
}

/**
 * elves_job_table_match_redelivery:
 * @self: the table.
 * @job: what a redelivered message asks.
 * @epoch: of the connection it came on.
 * @tag: its delivery tag there.
 * @out_flight: (out) (transfer full) (nullable): the flight that acknowledges this delivery now.
 *
 * Returns: what is known of it.
 */
ElvesRedelivery
elves_job_table_match_redelivery (ElvesJobTable *self,
                                  const ElvesJob *job,
                                  guint64 epoch,
                                  guint64 tag,
                                  ElvesFlight **out_flight)
{
  g_autoptr (ElvesFlight) flight = find_by_key (self, job);

  *out_flight = NULL;
  if (flight == NULL)
    flight = take_orphan (self, job);
  if (flight == NULL)
    return elves_job_table_is_final (self, job->instruct) ? ELVES_REDELIVERY_SETTLED
                                                          : ELVES_REDELIVERY_NEW;

  attach (flight, epoch, tag);
  if (flight->state == ELVES_FLIGHT_DONE)
    return ELVES_REDELIVERY_SETTLED;
  *out_flight = g_steal_pointer (&flight);
  return ELVES_REDELIVERY_ATTACHED;
}
