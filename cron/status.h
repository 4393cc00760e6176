/* What elves-cron says about itself over HTTP: its numbers, and whether it works. */
#pragma once

#include "cron/config.h"
#include "cron/lead.h"

G_BEGIN_DECLS

typedef struct ElvesCronStatus ElvesCronStatus;

/* What it looks at; all of it must outlive the status. */
typedef struct
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  ElvesCronLead **lead; /* NULL there: it does not lead */
} ElvesCronStatusParts;

ElvesCronStatus *elves_cron_status_new (const ElvesCronStatusParts *parts);
void elves_cron_status_free (ElvesCronStatus *self);

G_END_DECLS
