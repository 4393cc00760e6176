/* A process that leads: takes over what an earlier leader has left, and fires. */
#pragma once

#include "cron/config.h"
#include "cron/ledger.h"

G_BEGIN_DECLS

typedef struct ElvesCronLead ElvesCronLead;

typedef struct
{
  void (*ready) (gpointer user_data);                       /* all is loaded; requests are taken */
  void (*failed) (const GError *error, gpointer user_data); /* it cannot take over */
} ElvesCronLeadCallbacks;

ElvesCronLead *elves_cron_lead_new (const ElvesCronConfig *config,
                                    ElvesCronLedger *ledger,
                                    const ElvesCronLeadCallbacks *callbacks,
                                    gpointer user_data,
                                    GError **error);
void elves_cron_lead_free (ElvesCronLead *self);

/* Fires nothing more and takes no requests; what is on its way goes out. */
void elves_cron_lead_stop (ElvesCronLead *self);
guint elves_cron_lead_outstanding (ElvesCronLead *self); /* not yet out, or not yet recorded */
void elves_cron_lead_measure (ElvesCronLead *self);
void elves_cron_lead_add_problems (ElvesCronLead *self, GPtrArray *problems);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronLead, elves_cron_lead_free)

G_END_DECLS
