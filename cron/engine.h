/* Time passes here: what is due is decided, recorded, and then handed over to be published. */
#pragma once

#include "cron/config.h"
#include "cron/firings.h"
#include "cron/timetable.h"

G_BEGIN_DECLS

typedef struct ElvesCronEngine ElvesCronEngine;

typedef struct
{
  /* Recorded, to be published: each is the receiver's to steal. */
  void (*fire) (GPtrArray *shots, gpointer user_data);
  guint (*outstanding) (gpointer user_data);        /* what was fired and is not out */
  void (*unclean) (guint64 id, gpointer user_data); /* it has fired often: its history is due */
} ElvesCronEngineCallbacks;

ElvesCronEngine *elves_cron_engine_new (const ElvesCronConfig *config,
                                        ElvesCronLedger *ledger,
                                        const ElvesCronEngineCallbacks *callbacks,
                                        gpointer user_data,
                                        GError **error);
void elves_cron_engine_free (ElvesCronEngine *self);

/* Decides nothing before. */
void elves_cron_engine_run (ElvesCronEngine *self);
/* Decides nothing more; what is being recorded is still handed over. */
void elves_cron_engine_halt (ElvesCronEngine *self);

/* Takes @entry. FALSE: too many are started, and it was freed. */
gboolean elves_cron_engine_add (ElvesCronEngine *self, ElvesCronEntry *entry);
void elves_cron_engine_remove (ElvesCronEngine *self, guint64 id);
/* (transfer full) (nullable): nothing is decided of it until it is added again. */
ElvesCronEntry *elves_cron_engine_steal (ElvesCronEngine *self, guint64 id);
/* (nullable): when @id comes next; ELVES_SCHEDULE_NEVER: not started, or never. */
gint64 elves_cron_engine_next_us (ElvesCronEngine *self, guint64 id);
guint elves_cron_engine_size (ElvesCronEngine *self);
/* Of what an earlier leader has left. */
void elves_cron_engine_restore (ElvesCronEngine *self, const GArray *running, const GArray *queued);

/* An execution has its outcome. What waited for it fires. */
void elves_cron_engine_ended (ElvesCronEngine *self, guint64 id, gint64 planned_us);
/* Something went out: there may be room again. */
void elves_cron_engine_room (ElvesCronEngine *self);
guint elves_cron_engine_recording (ElvesCronEngine *self); /* records not yet in the store */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronEngine, elves_cron_engine_free)

G_END_DECLS
