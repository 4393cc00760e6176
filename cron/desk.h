/* What others ask of elves-cron: the actions of elves-amqp.md 7.1, and ours. */
#pragma once

#include "common/component.h"
#include "cron/engine.h"
#include "cron/outbox.h"

G_BEGIN_DECLS

typedef struct ElvesCronDesk ElvesCronDesk;

typedef struct
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  ElvesCronEngine *engine;
  ElvesCronTally *tally;
  ElvesCronOutbox *outbox; /* set later: it needs the component, which needs the desk */
} ElvesCronDeskParts;      /* all outlive the desk */

/* The table of elves_component_new(); its user data is the desk. */
extern const ElvesComponentAction elves_cron_actions[];

ElvesCronDesk *elves_cron_desk_new (const ElvesCronDeskParts *parts);
void elves_cron_desk_set_component (ElvesCronDesk *self, ElvesComponent *component);
void elves_cron_desk_set_outbox (ElvesCronDesk *self, ElvesCronOutbox *outbox);
/* Before what it uses. Answers that the store has not given are dropped: the broker gives their
   requests out again. */
void elves_cron_desk_free (ElvesCronDesk *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronDesk, elves_cron_desk_free)

G_END_DECLS
