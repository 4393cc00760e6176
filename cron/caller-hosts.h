/* Who of the waiting may begin? Slots, shared fairly by the hosts that are called. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesCronHosts ElvesCronHosts;
typedef struct ElvesCronHost ElvesCronHost;

typedef struct
{
  guint max_active;          /* slots in all */
  guint max_active_per_host; /* as long as there are enough for the others */
  guint max_held_per_host;   /* calls of a host that takes none: beyond it they are refused */
  gint64 stalled_after_us;   /* without a call taken, that is what it is */
} ElvesCronHostsLimits;

/* A call, as part of it. All zero: of no host. */
typedef struct
{
  ElvesCronHost *host; /* (nullable) */
  gpointer data;       /* yours */
  gboolean is_active;
  GList link; /* private: in its host's queue */
} ElvesCronPlace;

ElvesCronHosts *elves_cron_hosts_new (const ElvesCronHostsLimits *limits);
/* No place may be in it any more. */
void elves_cron_hosts_free (ElvesCronHosts *self);

/* @place: of no host. FALSE: @name has too many calls and takes none. */
gboolean elves_cron_hosts_join (ElvesCronHosts *self,
                                const char *name,
                                ElvesCronPlace *place,
                                gint64 now_us);
/* It waits for a slot. */
void elves_cron_hosts_wait (ElvesCronHosts *self, ElvesCronPlace *place);
/* Gives its slot back, or waits no longer; still one of its host's. */
void elves_cron_hosts_rest (ElvesCronHosts *self, ElvesCronPlace *place);
/* The host has taken a call. */
void elves_cron_hosts_taken (ElvesCronPlace *place, gint64 now_us);
/* As rest, and its host's no more. */
void elves_cron_hosts_leave (ElvesCronHosts *self, ElvesCronPlace *place);

/* (nullable): the data of the next one that has a slot now. */
gpointer elves_cron_hosts_next (ElvesCronHosts *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronHosts, elves_cron_hosts_free)

G_END_DECLS
