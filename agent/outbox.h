/* Results of async jobs, kept until a scheduler has taken them. */
#pragma once

#include "agent/config.h"
#include "agent/journal.h"
#include "agent/schedulers.h"
#include "common/deadlines.h"
#include "common/instruct.h"
#include "common/poller.h"

G_BEGIN_DECLS

typedef struct ElvesOutbox ElvesOutbox;

typedef void (*ElvesOutboxIdleFunc) (gpointer user_data);

/* All of it must outlive the outbox. @journal: (nullable): has the results themselves. @idle:
 * (nullable): the last result was taken. */
ElvesOutbox *elves_outbox_new (ElvesPoller *poller,
                               ElvesDeadlines *deadlines,
                               const ElvesAgentConfig *config,
                               ElvesSchedulers *schedulers,
                               ElvesJournal *journal,
                               ElvesOutboxIdleFunc idle,
                               gpointer user_data);
void elves_outbox_free (ElvesOutbox *self);

gboolean elves_outbox_reserve (ElvesOutbox *self, const ElvesInstruct *instruct);
void elves_outbox_reserve_anyway (ElvesOutbox *self, const ElvesInstruct *instruct);
void elves_outbox_release (ElvesOutbox *self, const ElvesInstruct *instruct);
void elves_outbox_add (ElvesOutbox *self, ElvesReinstruct *result, const char *origin);
void elves_outbox_add_stored (ElvesOutbox *self,
                              const char *key,
                              const char *id,
                              ElvesReinstruct *result,
                              const char *origin);
gboolean elves_outbox_hasten (ElvesOutbox *self, const char *execution, const char *origin);

gboolean elves_outbox_holds (const ElvesOutbox *self, const char *execution);
guint elves_outbox_count (const ElvesOutbox *self);
void elves_outbox_try_now (ElvesOutbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesOutbox, elves_outbox_free)

G_END_DECLS
