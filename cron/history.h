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
  char *error, *message; /* (nullable) */
  gint worker_flag, cost_ms;
} ElvesCronExecution;

/* @executions: of ElvesCronExecution, newest first; @more: there are older ones. */
typedef void (*ElvesCronExecutionsFunc) (const GPtrArray *executions,
                                         gboolean more,
                                         const GError *error,
                                         gpointer user_data);
/* Those planned before @before_us. @owner: "": the task of anybody. */
void elves_cron_history_page (ElvesCronLedger *ledger,
                              const char *id,
                              const char *owner,
                              gint64 before_us,
                              guint limit,
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
