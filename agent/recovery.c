/* What becomes of the executions that an earlier agent did not bring to their end:
 *
 *   accepted   async: started as if they had just come in. Sync: forgotten, since nobody waits for
 *              them any more; who asks again is a new call
 *   started    their processes are found and killed; they end with reason agent-restarted. So are
 *              warm workers, whether they had a call or not
 *   finished   are reported
 *
 * Promises P1 and P2: nothing that was accepted stays without an outcome, and nothing that may have
 * been started is started again. P6: the killing comes first; what could not be killed is said in
 * the result. */
#include "agent/recovery.h"

#include "agent/journal-codec.h"
#include "agent/remains.h"
#include "common/error.h"
#include "common/log.h"

typedef struct
{
  char *key, *id;
  ElvesExecutionState state;
  gboolean sync;
  char *origin;                   /* (nullable) */
  GBytes *instruct;               /* (nullable) */
  char *boot, *tracking, *cgroup; /* (nullable) */
  gint64 pid, pid_start;
  guint killed, survivors;
} Leftover;

struct ElvesRecovery
{
  ElvesJournal *journal;
  GPtrArray *leftovers; /* of Leftover */
};

static void
leftover_free (gpointer data)
{
  Leftover *self = data;
  g_free (self->key);
  g_free (self->id);
  g_free (self->origin);
  g_free (self->boot);
  g_free (self->tracking);
  g_free (self->cgroup);
  g_clear_pointer (&self->instruct, g_bytes_unref);
  g_free (self);
}

static void
on_restored (const ElvesJournalRecord *record, gpointer user_data)
{
  ElvesRecovery *self = user_data;
  Leftover *leftover = g_new0 (Leftover, 1);
  leftover->key = g_strdup (record->key);
  leftover->id = g_strdup (record->id);
  leftover->state = record->state;
  leftover->sync = record->sync;
  leftover->origin = g_strdup (record->origin);
  leftover->instruct = record->instruct != NULL ? g_bytes_ref (record->instruct) : NULL;
  leftover->boot = g_strdup (record->boot);
  leftover->tracking = g_strdup (record->tracking);
  leftover->cgroup = g_strdup (record->cgroup);
  leftover->pid = record->pid;
  leftover->pid_start = record->pid_start;
  g_ptr_array_add (self->leftovers, leftover);
}

static void
end_processes (GPtrArray *leftovers, const char *folder)
{
  g_autofree char *owner = elves_remains_owner (folder);
  g_autofree char *warm = g_strconcat (ELVES_WARM_OWNER "=", owner, NULL);
  g_autoptr (GArray) remains = g_array_new (FALSE, TRUE, sizeof (ElvesRemains));
  g_autoptr (GPtrArray) started = g_ptr_array_new ();
  for (guint i = 0; i < leftovers->len; i++)
    {
      Leftover *leftover = leftovers->pdata[i];
      if (leftover->state != ELVES_EXECUTION_STARTED)
        continue;
      ElvesRemains job = {
        .boot = leftover->boot,
        .tracking = leftover->tracking,
        .cgroup = leftover->cgroup,
        .pid = leftover->pid,
        .pid_start = leftover->pid_start,
      };
      g_array_append_val (remains, job);
      g_ptr_array_add (started, leftover);
    }
  ElvesRemains warm_workers = { .boot = elves_remains_boot (), .tracking = warm };
  g_array_append_val (remains, warm_workers);
  elves_remains_end ((ElvesRemains *) (void *) remains->data, remains->len);
  for (guint i = 0; i < started->len; i++)
    {
      const ElvesRemains *job = &g_array_index (remains, ElvesRemains, i);
      Leftover *leftover = started->pdata[i];
      leftover->killed = job->killed;
      leftover->survivors = job->survivors;
    }
}

/**
 * elves_recovery_new:
 * @journal: a journal to which nothing was handed yet; must outlive the recovery
 * @folder: of it, by which warm workers are known
 *
 * Reads it, and ends the processes that are left. Blocks: at most some seconds.
 *
 * Returns: (transfer full): what there is
 * Errors: %ELVES_ERROR_UNAVAILABLE: the journal cannot be read
 */
ElvesRecovery *
elves_recovery_new (ElvesJournal *journal, const char *folder, GError **error)
{
  g_autoptr (ElvesRecovery) self = g_new0 (ElvesRecovery, 1);
  self->journal = journal;
  self->leftovers = g_ptr_array_new_with_free_func (leftover_free);
  if (!elves_journal_restore (journal, on_restored, self, error))
    return NULL;
  end_processes (self->leftovers, folder);
  return g_steal_pointer (&self);
}

/**
 * elves_recovery_free:
 * @self: (nullable): a recovery
 */
void
elves_recovery_free (ElvesRecovery *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->leftovers);
  g_free (self);
}

static ElvesInstruct *
instruct_of (const Leftover *leftover)
{
  ElvesInstruct *instruct = elves_journal_unpack_instruct (leftover->instruct);
  if (instruct != NULL)
    return instruct;
  g_critical ("the journal has no call that can be read execution=%s", leftover->key);
  instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->id, leftover->id);
  instruct->execution = g_strdup (leftover->key);
  return instruct;
}

static void
conclude (const Leftover *leftover, ElvesService *service)
{
  g_autoptr (ElvesInstruct) instruct = instruct_of (leftover);
  g_autofree char *text =
      leftover->survivors == 0
          ? g_strdup ("app exec error : the agent was restarted while the job was running")
          : g_strdup_printf ("app exec error : the agent was restarted while the job was running; "
                             "%u of its processes could not be ended",
                             leftover->survivors);
  g_autoptr (ElvesReinstruct) result =
      elves_reinstruct_failure (instruct, ELVES_REASON_AGENT_RESTARTED, text);
  result->killed = leftover->killed;
  elves_service_conclude (service, result, leftover->sync, leftover->origin);
}

static void
hand_over (const Leftover *leftover,
           ElvesRecovery *self,
           ElvesService *service,
           ElvesOutbox *outbox)
{
  g_autoptr (ElvesInstruct) instruct = NULL;
  switch (leftover->state)
    {
    case ELVES_EXECUTION_ACCEPTED:
      if (leftover->sync)
        {
          elves_journal_forget (self->journal, leftover->key);
          return;
        }
      instruct = instruct_of (leftover);
      elves_service_resume (service, instruct, leftover->origin);
      return;
    case ELVES_EXECUTION_STARTED:
      conclude (leftover, service);
      return;
    case ELVES_EXECUTION_FINISHED:
      elves_outbox_add_stored (outbox, leftover->key, leftover->id, NULL, leftover->origin);
      return;
    case ELVES_EXECUTION_TAKEN:
      return;
    }
}

/**
 * elves_recovery_hand_over:
 * @self: a recovery
 * @service: for what is to be started, and what has ended
 * @outbox: for what is to be reported
 */
void
elves_recovery_hand_over (ElvesRecovery *self, ElvesService *service, ElvesOutbox *outbox)
{
  guint counts[ELVES_EXECUTION_TAKEN + 1] = { 0 };
  for (guint i = 0; i < self->leftovers->len; i++)
    {
      const Leftover *leftover = self->leftovers->pdata[i];
      counts[leftover->state]++;
      hand_over (leftover, self, service, outbox);
    }
  if (self->leftovers->len > 0)
    g_message ("from the journal: to start=%u were running=%u to report=%u",
               counts[ELVES_EXECUTION_ACCEPTED], counts[ELVES_EXECUTION_STARTED],
               counts[ELVES_EXECUTION_FINISHED]);
  g_ptr_array_set_size (self->leftovers, 0);
}
