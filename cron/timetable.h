/* The started schedules, by id and by their next instant. Main thread only. */
#pragma once

#include "cron/entry.h"

G_BEGIN_DECLS

typedef struct ElvesCronTimetable ElvesCronTimetable;

ElvesCronTimetable *elves_cron_timetable_new (void);
void elves_cron_timetable_free (ElvesCronTimetable *self);

/* Takes @entry; one of the same id is replaced and freed. */
void elves_cron_timetable_add (ElvesCronTimetable *self, ElvesCronEntry *entry);
/* FALSE: it is not there. */
gboolean elves_cron_timetable_remove (ElvesCronTimetable *self, guint64 id);
/* (transfer full) (nullable): takes it out. */
ElvesCronEntry *elves_cron_timetable_steal (ElvesCronTimetable *self, guint64 id);
ElvesCronEntry *elves_cron_timetable_find (ElvesCronTimetable *self, guint64 id); /* (nullable) */
/* next_us of @entry has changed. */
void elves_cron_timetable_moved (ElvesCronTimetable *self, ElvesCronEntry *entry);
/* The entry whose instant comes first. (nullable): no entry has one. */
ElvesCronEntry *elves_cron_timetable_first (ElvesCronTimetable *self);
guint elves_cron_timetable_size (ElvesCronTimetable *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronTimetable, elves_cron_timetable_free)

G_END_DECLS
