/* The timed tasks in the store: making, starting, stopping, looking at them. Each function submits
   a work; what it calls back comes from the loop, exactly once, after the commit. */
#pragma once

#include "cron/ledger.h"
#include "cron/plan.h"

G_BEGIN_DECLS

/* @id: of the new one, or of the one that the same request has made before. @entry: (nullable)
   (transfer full): it was started. */
typedef void (*ElvesCronCreatedFunc) (const char *id,
                                      ElvesCronEntry *entry,
                                      const GError *error,
                                      gpointer user_data);
/* @plan: (transfer full), with an id; state says whether it is to be started. @request: fingerprint
   of the request; @may_repeat: it is looked for first. */
void elves_cron_schedules_create (ElvesCronLedger *ledger,
                                  ElvesCronPlan *plan,
                                  const char *request,
                                  gboolean may_repeat,
                                  ElvesCronCreatedFunc done,
                                  gpointer user_data);

/* @entry: (nullable) (transfer full): what is to be held from now on; NULL when it was started
   already. Errors: NOT_FOUND; INVALID: its rule cannot fire. */
typedef void (*ElvesCronStartedFunc) (ElvesCronEntry *entry,
                                      const GError *error,
                                      gpointer user_data);
void elves_cron_schedules_start (ElvesCronLedger *ledger,
                                 const char *id,
                                 ElvesCronStartedFunc done,
                                 gpointer user_data);

/* Errors: NOT_FOUND. */
typedef void (*ElvesCronDoneFunc) (const GError *error, gpointer user_data);
void elves_cron_schedules_stop (ElvesCronLedger *ledger,
                                const char *id,
                                ElvesCronDoneFunc done,
                                gpointer user_data);
void elves_cron_schedules_delete (ElvesCronLedger *ledger,
                                  const char *id,
                                  ElvesCronDoneFunc done,
                                  gpointer user_data);

/* The last outcome beside the plan. */
typedef struct
{
  ElvesCronPlan *plan;
  gint64 last_us; /* 0: none */
  gboolean last_flag;
  char *last_error, *last_message;
  gint last_worker_flag, last_cost_ms;
} ElvesCronCard;

typedef void (*ElvesCronCardFunc) (const ElvesCronCard *card,
                                   const GError *error,
                                   gpointer user_data);
void elves_cron_schedules_show (ElvesCronLedger *ledger,
                                const char *id,
                                ElvesCronCardFunc done,
                                gpointer user_data);

/* @ids: of char *, newest first; @more: there are others after them. */
typedef void (*ElvesCronIdsFunc) (const GPtrArray *ids,
                                  gboolean more,
                                  const GError *error,
                                  gpointer user_data);
/* @ip: "": of all; @after: "", or the last id of the page before. */
void elves_cron_schedules_list (ElvesCronLedger *ledger,
                                const char *ip,
                                const char *after,
                                guint limit,
                                ElvesCronIdsFunc done,
                                gpointer user_data);

/* All started ones, a page after the other. @entries: of ElvesCronEntry, yours to steal from;
   planned after what was decided last. @last: "" after the last page. Broken ones are logged and
   left out. */
typedef void (*ElvesCronEntriesFunc) (GPtrArray *entries,
                                      const char *last,
                                      const GError *error,
                                      gpointer user_data);
void elves_cron_schedules_load (ElvesCronLedger *ledger,
                                const char *after,
                                guint limit,
                                ElvesCronEntriesFunc done,
                                gpointer user_data);

G_END_DECLS
