/* What has fired, looked back at: pages of it, cleaning it, counting it against the plan. */
#pragma once

#include "cron/config.h"
#include "cron/ledger.h"

G_BEGIN_DECLS

/* ---- pages ---------------------------------------------------------------------------------- */

/* One decided instant, as it is kept. */
typedef struct
{
  gint64 planned_us, until_us, decided_us, sent_us, ended_us;
  guint life; /* ElvesCronLife */
  gboolean flag;
  char *error, *message, *reason, *token; /* (nullable) */
  char *attempts;                         /* (nullable) elements of a JSON array */
  gint worker_flag, cost_ms, http_status;
} ElvesCronExecution;

/* @executions: of ElvesCronExecution, newest first; @more: there are older ones; @total: by number,
   on all pages. */
typedef void (*ElvesCronExecutionsFunc) (const GPtrArray *executions,
                                         gboolean more,
                                         gint64 total,
                                         const GError *error,
                                         gpointer user_data);
/* Which executions. */
typedef struct
{
  const char *id;
  const char *owner; /* "": the task of anybody */
  gint64 before_us;  /* planned before it */
  guint limit;
  /* By number: what was missed or paused is left out. */
  guint page; /* from 1; 0: not by number */
  gint64 begin_us, end_us;
} ElvesCronPageOptions; /* copied */

void elves_cron_history_page (ElvesCronLedger *ledger,
                              const ElvesCronPageOptions *options,
                              ElvesCronExecutionsFunc done,
                              gpointer user_data);

/* ---- cleaning ------------------------------------------------------------------------------- */

typedef struct ElvesCronHistory ElvesCronHistory;

/* Forgets, every history.interval, what is older than history.age, and beyond history.count. */
ElvesCronHistory *elves_cron_history_new (const ElvesCronConfig *config, ElvesCronLedger *ledger);
/* The task has fired often since it was cut. */
void elves_cron_history_add (ElvesCronHistory *self, guint64 id);
void elves_cron_history_free (ElvesCronHistory *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronHistory, elves_cron_history_free)

G_END_DECLS
