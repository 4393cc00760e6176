/* What an earlier agent has left: read before anything is started, handed on when all is there. */
#pragma once

#include "agent/journal.h"
#include "agent/outbox.h"
#include "agent/service.h"

G_BEGIN_DECLS

typedef struct ElvesRecovery ElvesRecovery;

ElvesRecovery *elves_recovery_new (ElvesJournal *journal, const char *folder, GError **error);
void elves_recovery_hand_over (ElvesRecovery *self, ElvesService *service, ElvesOutbox *outbox);
void elves_recovery_free (ElvesRecovery *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRecovery, elves_recovery_free)

G_END_DECLS
