/* What was decided goes out: a job to the scheduler, an HTTP request, a message. And what becomes
   of it is written down. */
#pragma once

#include "common/component.h"
#include "cron/config.h"
#include "cron/firings.h"
#include "cron/tally.h"

G_BEGIN_DECLS

typedef struct ElvesCronOutbox ElvesCronOutbox;

typedef struct
{
  void (*ended) (guint64 id, gint64 planned_us, gpointer user_data); /* it has its outcome */
  void (*delivered) (gint64 report_until_us, gpointer user_data);    /* it is to be reported */
  void (*out) (gpointer user_data);                                  /* there is more room */
} ElvesCronOutboxCallbacks;

ElvesCronOutbox *elves_cron_outbox_new (const ElvesCronConfig *config,
                                        ElvesCronLedger *ledger,
                                        ElvesComponent *component,
                                        ElvesCronTally *tally,
                                        const ElvesCronOutboxCallbacks *callbacks,
                                        gpointer user_data);
/* After the component, which holds callbacks of ours. What is on its way is given up, and found by
   the next leader. */
void elves_cron_outbox_free (ElvesCronOutbox *self);

/* An earlier leader has published it: only that is written down. Takes @shot. */
void elves_cron_outbox_note (ElvesCronOutbox *self, ElvesCronShot *shot);
/* @shots: of ElvesCronShot; taken out of it. */
void elves_cron_outbox_send (ElvesCronOutbox *self, GPtrArray *shots);
/* The task was deleted: it is not called any more, not once more either. */
void elves_cron_outbox_drop (ElvesCronOutbox *self, guint64 id);
guint elves_cron_outbox_outstanding (ElvesCronOutbox *self);
/* To be kept below cron.maxOutstanding. */
guint elves_cron_outbox_load (ElvesCronOutbox *self);
/* A result of a job. Takes @outcome. @done: when it is in the store, or changes nothing. */
void elves_cron_outbox_end (ElvesCronOutbox *self,
                            ElvesCronOutcome *outcome,
                            ElvesCronMarkedFunc done,
                            gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronOutbox, elves_cron_outbox_free)

G_END_DECLS
