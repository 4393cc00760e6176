/* The wall clock: wakes at a time of day, also when somebody sets the clock or the machine slept.
   Main thread only. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesCronClock ElvesCronClock;

typedef struct
{
  void (*due) (gint64 now_us, gpointer user_data); /* the time has come, or the clock was set */
  /* The clock was set, or the machine slept: by how much it is now ahead of what had passed; comes
     before due(). */
  void (*jumped) (gint64 by_us, gpointer user_data); /* (nullable) */
} ElvesCronClockCallbacks;

ElvesCronClock *
elves_cron_clock_new (const ElvesCronClockCallbacks *callbacks, gpointer user_data, GError **error);
void elves_cron_clock_free (ElvesCronClock *self);

/* Wakes once, at @at_us (unix microseconds; a time that has passed: at once). Replaces the wake
   that was set before. G_MAXINT64: does not wake. */
void elves_cron_clock_wake_at (ElvesCronClock *self, gint64 at_us);
gint64 elves_cron_clock_now_us (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronClock, elves_cron_clock_free)

G_END_DECLS
