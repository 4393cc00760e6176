/* The audit, a task after the other.
 *
 * From first_us on (when it was first started) a task's rule says which instants had to come; until
 * cursor_us it says that they were decided. Each of them must have an entry of its own, or be in a
 * range (missed, paused). The audit walks both in order of time, as two sorted lists are compared.
 * It counts anew: it uses nothing of what the engine remembers but the plan and the entries.
 *
 * Bounded: instants and entries of one call; what it has not come to, the next call looks at. A
 * task is never looked at in part. */
#include "cron/audit.h"

#include "cron/life.h"
#include "cron/metrics.h"
#include "cron/plan.h"

#include <string.h>

enum
{
  PAGE = 500,
  FINDINGS_MAX = 100,
  STEPS_MAX = 2000000 /* instants and entries of one call, about */
};

typedef struct
{
  ElvesCronAuditOptions options; /* its texts are ours */
  ElvesCronReport report;
  guint64 steps;
  ElvesCronReportFunc done;
  gpointer user_data;
} Audit;

/* One task's walk. */
typedef struct
{
  Audit *audit;
  guint64 id;
  ElvesSchedule *schedule;
  gint64 next_us; /* the next instant that has to come */
  gint64 to_us, end_us;
} Walk;

static void
add_finding (Walk *walk, const char *kind, gint64 planned_us, gint64 by_us)
{
  ElvesCronFinding finding = { walk->id, planned_us, kind, by_us };
  if (walk->audit->report.findings->len < FINDINGS_MAX)
    g_array_append_val (walk->audit->report.findings, finding);
}

static void
advance (Walk *walk, gint64 after_us)
{
  walk->audit->steps++;
  walk->next_us = elves_schedule_next (walk->schedule, after_us);
  if (walk->next_us > walk->end_us)
    walk->next_us = ELVES_SCHEDULE_NEVER;
}

/* Instants before @until_us that nothing accounts for. */
static void
lose_until (Walk *walk, gint64 until_us)
{
  while (walk->next_us < until_us && walk->next_us <= walk->to_us)
    {
      walk->audit->report.expected++;
      walk->audit->report.lost++;
      add_finding (walk, "lost", walk->next_us, 0);
      advance (walk, walk->next_us);
    }
}

static void
count_range (Walk *walk, ElvesCronLife life, gint64 until_us)
{
  ElvesCronReport *report = &walk->audit->report;
  while (walk->next_us <= until_us && walk->next_us <= walk->to_us)
    {
      if (life == ELVES_CRON_WAS_MISSED)
        {
          report->expected++;
          report->missed++;
        }
      else
        report->paused++;
      advance (walk, walk->next_us);
    }
}

static void
count_sent (Walk *walk, gint64 planned_us, gint64 sent_us)
{
  gint64 late_us = sent_us - planned_us;
  walk->audit->report.fired++;
  if (late_us <= walk->audit->options.late_after_us)
    return;
  walk->audit->report.late++;
  add_finding (walk, "late", planned_us, late_us);
}

static void
count_instant (Walk *walk, ElvesCronLife life, gint64 planned_us, gint64 sent_us)
{
  ElvesCronReport *report = &walk->audit->report;
  report->expected++;
  switch (life)
    {
    case ELVES_CRON_SENT:
    case ELVES_CRON_ENDED:
      count_sent (walk, planned_us, sent_us);
      break;
    case ELVES_CRON_PASSED_OVER:
      report->overlapped++;
      break;
    default:
      report->unsent++;
      add_finding (walk, "unsent", planned_us, 0);
    }
  advance (walk, planned_us);
}

static void
take_entry (Walk *walk, ElvesStoreRows *rows)
{
  gint64 planned_us = elves_store_rows_int (rows, 0);
  gint64 until_us = elves_store_rows_int (rows, 1);
  ElvesCronLife life = (ElvesCronLife) elves_store_rows_int (rows, 2);
  walk->audit->steps++;
  lose_until (walk, planned_us);
  if (life == ELVES_CRON_WAS_MISSED || life == ELVES_CRON_WAS_PAUSED)
    count_range (walk, life, until_us);
  else if (walk->next_us == planned_us)
    count_instant (walk, life, planned_us, elves_store_rows_int (rows, 3));
  else
    {
      walk->audit->report.unplanned++;
      add_finding (walk, "unplanned", planned_us, 0);
    }
}

static gboolean
walk_entries (Walk *walk, const char *id, ElvesStoreTx *tx, gint64 from_us, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT planned_us, until_us, state, sent_us FROM cron_firing WHERE schedule = ? AND "
      "request IS NULL AND until_us > ? AND planned_us <= ? ORDER BY planned_us",
      ELVES_VALUES (ELVES_TEXT (id), ELVES_INT (from_us), ELVES_INT (walk->to_us)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    take_entry (walk, rows);
  return elves_store_rows_end (rows, error);
}

/* Of a started task, from the last decision on. */
static void
count_pending (Walk *walk, const ElvesCronPlan *plan)
{
  if (plan->state != ELVES_CRON_STARTED)
    return;
  while (walk->next_us <= walk->audit->options.to_us)
    {
      walk->audit->report.pending++;
      advance (walk, walk->next_us);
    }
}

/* @pruned_us: the first entry that is kept, when older ones were forgotten. */
static gboolean
audit_plan (Audit *self,
            const ElvesCronPlan *plan,
            gint64 pruned_us,
            ElvesStoreTx *tx,
            GError **error)
{
  g_autoptr (ElvesSchedule) schedule = elves_cron_plan_schedule (plan, NULL);
  gint64 from_us = MAX (MAX (plan->first_us, pruned_us - 1),
                        MAX (self->options.from_us - 1, self->options.kept_from_us));
  Walk walk = {
    .audit = self,
    .schedule = schedule,
    .to_us = MIN (self->options.to_us, plan->cursor_us),
    .end_us = plan->end_us != 0 ? plan->end_us : ELVES_SCHEDULE_NEVER - 1,
  };
  if (schedule == NULL || plan->first_us == 0)
    return TRUE;
  elves_cron_id_parse (plan->id, &walk.id);
  self->report.schedules++;
  advance (&walk, MAX (from_us, plan->start_us - 1));
  if (!walk_entries (&walk, plan->id, tx, from_us, error))
    return FALSE;
  lose_until (&walk, ELVES_SCHEDULE_NEVER);
  count_pending (&walk, plan);
  return TRUE;
}

/* ---- all tasks ------------------------------------------------------------------------------ */

typedef struct
{
  ElvesCronPlan *plan;
  gint64 pruned_us;
} Task;

static void
task_free (gpointer data)
{
  Task *task = data;
  elves_cron_plan_free (task->plan);
  g_free (task);
}

static ElvesStoreRows *
query_tasks (Audit *self, ElvesStoreTx *tx, const char *after, GError **error)
{
  if (*self->options.id != '\0')
    return elves_store_tx_query (
        tx, "SELECT " ELVES_CRON_WHEN_COLUMNS ", pruned_us FROM cron_schedule WHERE id = ?",
        ELVES_VALUES (ELVES_TEXT (self->options.id)), error);
  return elves_store_tx_query (tx,
                               "SELECT " ELVES_CRON_WHEN_COLUMNS
                               ", pruned_us FROM cron_schedule WHERE id > ? ORDER BY id LIMIT ?",
                               ELVES_VALUES (ELVES_TEXT (after), ELVES_INT (PAGE)), error);
}

/* (nullable): it failed. */
static GPtrArray *
read_tasks (Audit *self, ElvesStoreTx *tx, const char *after, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = query_tasks (self, tx, after, error);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (task_free);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      Task *task = g_new0 (Task, 1);
      task->plan = elves_cron_plan_new ();
      elves_cron_plan_read_when (task->plan, rows, 0);
      task->pruned_us = elves_store_rows_int (rows, ELVES_CRON_N_WHEN_COLUMNS);
      g_ptr_array_add (tasks, task);
    }
  return elves_store_rows_end (rows, error) ? g_steal_pointer (&tasks) : NULL;
}

static void
begin_report (Audit *self)
{
  GArray *findings = self->report.findings;
  g_array_set_size (findings, 0);
  self->report = (ElvesCronReport){ .from_us = self->options.from_us,
                                    .to_us = self->options.to_us,
                                    .complete = TRUE,
                                    .findings = findings };
  g_strlcpy (self->report.next, self->options.after, sizeof self->report.next);
  self->steps = 0;
}

/* A page. *out_more FALSE: it was the last. */
static gboolean
audit_page (Audit *self, ElvesStoreTx *tx, gboolean *out_more, GError **error)
{
  g_autofree char *after = g_strdup (self->report.next);
  g_autoptr (GPtrArray) tasks = read_tasks (self, tx, after, error);
  if (tasks == NULL)
    return FALSE;
  *out_more = *self->options.id == '\0' && tasks->len == PAGE;
  for (guint i = 0; i < tasks->len; i++)
    {
      const Task *task = tasks->pdata[i];
      if (self->steps >= STEPS_MAX)
        {
          self->report.complete = FALSE;
          *out_more = FALSE;
          return TRUE;
        }
      if (!audit_plan (self, task->plan, task->pruned_us, tx, error))
        return FALSE;
      g_strlcpy (self->report.next, task->plan->id, sizeof self->report.next);
    }
  return TRUE;
}

static gboolean
audit_all (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Audit *self = data;
  gboolean more = TRUE;
  begin_report (self);
  while (more)
    if (!audit_page (self, tx, &more, error))
      return FALSE;
  if (self->report.complete)
    *self->report.next = '\0';
  return TRUE;
}

static void
on_audited (gpointer data, const GError *error)
{
  Audit *self = data;
  self->report.doubled = elves_cron_metrics.doubled;
  self->done (&self->report, error, self->user_data);
}

static void
audit_free (gpointer data)
{
  Audit *self = data;
  g_array_unref (self->report.findings);
  g_free ((char *) self->options.id);
  g_free ((char *) self->options.after);
  g_free (self);
}

void
elves_cron_audit (ElvesCronLedger *ledger,
                  const ElvesCronAuditOptions *options,
                  ElvesCronReportFunc done,
                  gpointer user_data)
{
  Audit *self = g_new0 (Audit, 1);
  self->options = *options;
  self->options.id = g_strdup (options->id);
  self->options.after = g_strdup (options->after);
  self->report.findings = g_array_new (FALSE, FALSE, sizeof (ElvesCronFinding));
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, audit_all, on_audited, self, audit_free);
}
