/* The timed tasks in the store: making, starting, stopping, looking at them. Each function submits
   a work; what it calls back comes from the loop, exactly once, after the commit. */
#pragma once

#include "cron/card.h"
#include "cron/ledger.h"

G_BEGIN_DECLS

/* @card: of the new one, or of the one that was there before; NULL with an error. @existed: another
   request has made it, with the same unique key. @entry: (nullable) (transfer full): it was
   started. */
typedef void (*ElvesCronCreatedFunc) (const ElvesCronCard *card,
                                      gboolean existed,
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

/* @entry: as above. The task keeps its id, its history and when it was made. Errors: NOT_FOUND. */
typedef void (*ElvesCronReplacedFunc) (const ElvesCronCard *card,
                                       ElvesCronEntry *entry,
                                       const GError *error,
                                       gpointer user_data);
/* @plan: (transfer full), with the id and the owner of the one that it replaces; "": of anybody.
   @keeps_state: it is started if that one was, or had finished. */
void elves_cron_schedules_replace (ElvesCronLedger *ledger,
                                   ElvesCronPlan *plan,
                                   gboolean keeps_state,
                                   ElvesCronReplacedFunc done,
                                   gpointer user_data);

/* @entry: (nullable) (transfer full): what is to be held from now on; NULL when it was started
   already. Errors: NOT_FOUND; INVALID: its rule cannot fire. */
typedef void (*ElvesCronStartedFunc) (ElvesCronEntry *entry,
                                      const GError *error,
                                      gpointer user_data);
/* @owner, here and below: "": of anybody; else a task of another one is not found. */
void elves_cron_schedules_start (ElvesCronLedger *ledger,
                                 const char *id,
                                 const char *owner,
                                 ElvesCronStartedFunc done,
                                 gpointer user_data);

/* Errors: NOT_FOUND. */
typedef void (*ElvesCronDoneFunc) (const GError *error, gpointer user_data);
void elves_cron_schedules_stop (ElvesCronLedger *ledger,
                                const char *id,
                                const char *owner,
                                ElvesCronDoneFunc done,
                                gpointer user_data);

/* Which tasks are to be deleted. */
typedef struct
{
  const char *owner;
  const GPtrArray *ids; /* (nullable) of char *, in hex */
  const char *name;     /* instead of ids: all that have it */
  gboolean soft;        /* the record and the history stay */
} ElvesCronDeletion;    /* copied */

/* One that was deleted. */
typedef struct
{
  guint64 id;
  guint spelling;
} ElvesCronDeleted;

/* @deleted: of ElvesCronDeleted, as they were asked for; what was not found is not among them. */
typedef void (*ElvesCronDeletedFunc) (const GArray *deleted,
                                      const GError *error,
                                      gpointer user_data);
void elves_cron_schedules_delete (ElvesCronLedger *ledger,
                                  const ElvesCronDeletion *deletion,
                                  ElvesCronDeletedFunc done,
                                  gpointer user_data);

typedef void (*ElvesCronCardFunc) (const ElvesCronCard *card,
                                   const GError *error,
                                   gpointer user_data);
void elves_cron_schedules_show (ElvesCronLedger *ledger,
                                const char *id,
                                const char *owner,
                                ElvesCronCardFunc done,
                                gpointer user_data);

/* What is looked for: "" and -1 match all. */
typedef struct
{
  const char *owner, *name, *unique_key;
  const GPtrArray *ids;               /* (nullable) of char *, in hex */
  gint state;                         /* ElvesCronState */
  gint deleted, expired, max_reached; /* 0, 1 */
  guint page, size;                   /* from 1 */
} ElvesCronQuery;                     /* copied */

/* @cards: of ElvesCronCard, newest first, of this page; @total: on all pages. */
typedef void (*ElvesCronFoundFunc) (const GPtrArray *cards,
                                    gint64 total,
                                    const GError *error,
                                    gpointer user_data);
void elves_cron_schedules_find (ElvesCronLedger *ledger,
                                const ElvesCronQuery *query,
                                ElvesCronFoundFunc done,
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
