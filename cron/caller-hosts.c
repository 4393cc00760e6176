/* Slots for calls, by host.
 *
 * The hosts that have waiting calls take turns, so that one with thousands of them is no further
 * ahead than one with a single call. And none may have more slots than are free: when many hosts
 * hang, each holds fewer, and some stay free for whoever comes next. A host without any may always
 * take a free one.
 *
 * A host that hangs gathers calls. Beyond its limit they are refused if it has taken none for some
 * time: those of a host that is just slow wait. */
#include "cron/caller-hosts.h"

struct ElvesCronHost
{
  char *name;
  GQueue waiting; /* of ElvesCronPlace, by its link */
  guint active;
  guint held; /* all that have joined */
  gint64 taken_us;
  GList link; /* among the hosts that wait */
};

struct ElvesCronHosts
{
  ElvesCronHostsLimits limits;
  GHashTable *by_name;
  GQueue turns; /* of ElvesCronHost, by its link: with waiting calls, the next one first */
  guint active;
};

static void
host_free (gpointer data)
{
  ElvesCronHost *host = data;
  g_free (host->name);
  g_free (host);
}

ElvesCronHosts *
elves_cron_hosts_new (const ElvesCronHostsLimits *limits)
{
  ElvesCronHosts *self = g_new0 (ElvesCronHosts, 1);
  self->limits = *limits;
  self->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, host_free);
  return self;
}

/**
 * elves_cron_hosts_free:
 * @self: (nullable):
 */
void
elves_cron_hosts_free (ElvesCronHosts *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_name);
  g_free (self);
}

static ElvesCronHost *
take_host (ElvesCronHosts *self, const char *name, gint64 now_us)
{
  ElvesCronHost *host = g_hash_table_lookup (self->by_name, name);
  if (host != NULL)
    return host;
  host = g_new0 (ElvesCronHost, 1);
  host->name = g_strdup (name);
  host->taken_us = now_us;
  host->link.data = host;
  g_hash_table_insert (self->by_name, host->name, host);
  return host;
}

gboolean
elves_cron_hosts_join (ElvesCronHosts *self, const char *name, ElvesCronPlace *place, gint64 now_us)
{
  ElvesCronHost *host = take_host (self, name, now_us);
  if (host->held >= self->limits.max_held_per_host &&
      now_us - host->taken_us > self->limits.stalled_after_us)
    return FALSE;
  host->held++;
  place->host = host;
  place->link.data = place;
  return TRUE;
}

void
elves_cron_hosts_wait (ElvesCronHosts *self, ElvesCronPlace *place)
{
  ElvesCronHost *host = place->host;
  if (g_queue_is_empty (&host->waiting))
    g_queue_push_tail_link (&self->turns, &host->link);
  g_queue_push_tail_link (&host->waiting, &place->link);
}

static gboolean
is_waiting (const ElvesCronPlace *place)
{
  return place->link.prev != NULL || place->link.next != NULL ||
         place->host->waiting.head == &place->link;
}

static void
stop_waiting (ElvesCronHosts *self, ElvesCronPlace *place)
{
  ElvesCronHost *host = place->host;
  g_queue_unlink (&host->waiting, &place->link);
  if (g_queue_is_empty (&host->waiting))
    g_queue_unlink (&self->turns, &host->link);
}

void
elves_cron_hosts_rest (ElvesCronHosts *self, ElvesCronPlace *place)
{
  if (place->is_active)
    {
      place->is_active = FALSE;
      place->host->active--;
      self->active--;
    }
  else if (is_waiting (place))
    stop_waiting (self, place);
}

void
elves_cron_hosts_taken (ElvesCronPlace *place, gint64 now_us)
{
  place->host->taken_us = now_us;
}

void
elves_cron_hosts_leave (ElvesCronHosts *self, ElvesCronPlace *place)
{
  ElvesCronHost *host = place->host;
  if (host == NULL)
    return;
  elves_cron_hosts_rest (self, place);
  place->host = NULL;
  if (--host->held == 0)
    g_hash_table_remove (self->by_name, host->name);
}

static gboolean
may_start (const ElvesCronHosts *self, const ElvesCronHost *host)
{
  guint n_free = self->limits.max_active - self->active;
  return host->active == 0 ||
         (host->active < self->limits.max_active_per_host && host->active < n_free);
}

static gpointer
start_first (ElvesCronHosts *self, ElvesCronHost *host)
{
  ElvesCronPlace *place = g_queue_peek_head (&host->waiting);
  stop_waiting (self, place);
  place->is_active = TRUE;
  host->active++;
  self->active++;
  if (!g_queue_is_empty (&host->waiting))
    {
      g_queue_unlink (&self->turns, &host->link);
      g_queue_push_tail_link (&self->turns, &host->link);
    }
  return place->data;
}

/**
 * elves_cron_hosts_next:
 *
 * Passes over the hosts that have their share: no more than there are slots.
 *
 * Returns: (nullable): the data of a place that is active now.
 */
gpointer
elves_cron_hosts_next (ElvesCronHosts *self)
{
  if (self->active >= self->limits.max_active)
    return NULL;
  for (GList *l = self->turns.head; l != NULL; l = l->next)
    if (may_start (self, l->data))
      return start_first (self, l->data);
  return NULL;
}
