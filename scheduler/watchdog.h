/* Do the connections to the broker still carry anything? One message at a time goes to ourselves:
   out by the connection that publishes, back by the one that consumes. Pure but for its clock: who
   makes one sends and rebuilds. Main thread only. */
#pragma once

#include "common/deadlines.h"

G_BEGIN_DECLS

typedef struct ElvesWatchdog ElvesWatchdog;

typedef struct
{
  /* Send yourself this number; tell _confirmed() once when the broker has it, _arrived() when it is
     back. Each that was sent is confirmed at some time, in whatever order. */
  void (*send) (guint64 number, gpointer user_data);
  /* The broker did not confirm it: the connection that publishes is to be rebuilt. */
  void (*publisher_stalled) (gpointer user_data);
  /* The broker has it and does not deliver it: the connection that consumes is to be rebuilt. */
  void (*consumer_stalled) (gpointer user_data);
} ElvesWatchdogCallbacks;

ElvesWatchdog *elves_watchdog_new (ElvesDeadlines *deadlines,
                                   guint interval_ms,
                                   guint timeout_ms,
                                   const ElvesWatchdogCallbacks *callbacks,
                                   gpointer user_data);
void elves_watchdog_free (ElvesWatchdog *self);

void elves_watchdog_start (ElvesWatchdog *self); /* consuming (again): watch from now on */
void elves_watchdog_stop (ElvesWatchdog *self);  /* not consuming: known, and being mended */
void elves_watchdog_set_publishing (ElvesWatchdog *self, gboolean publishing);

void elves_watchdog_confirmed (ElvesWatchdog *self, gboolean routed);
/* The microseconds it was under way; -1: it is an old one. */
gint64 elves_watchdog_arrived (ElvesWatchdog *self, guint64 number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesWatchdog, elves_watchdog_free)

G_END_DECLS
