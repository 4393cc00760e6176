/* How many messages were sent in the minute that runs: of each owner, in all and by the names of
   its tasks. Says so in the log when there are too many. */
#pragma once

#include "cron/config.h"
#include "cron/ledger.h"

G_BEGIN_DECLS

typedef struct ElvesCronTally ElvesCronTally;

ElvesCronTally *elves_cron_tally_new (const ElvesCronConfig *config);
void elves_cron_tally_free (ElvesCronTally *self);

/* What an earlier leader has sent in this minute is counted, too; from the store, in a while. */
void elves_cron_tally_restore (ElvesCronTally *self, ElvesCronLedger *ledger);
void
elves_cron_tally_add (ElvesCronTally *self, const char *owner, const char *name, gint64 now_us);
guint64 elves_cron_tally_total (ElvesCronTally *self, const char *owner, gint64 now_us);

typedef void (*ElvesCronTallyFunc) (const char *name, guint64 count, gpointer user_data);
void elves_cron_tally_foreach (ElvesCronTally *self,
                               const char *owner,
                               gint64 now_us,
                               ElvesCronTallyFunc each,
                               gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronTally, elves_cron_tally_free)

G_END_DECLS
