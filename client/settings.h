/* What a consumer is told: the list of settings, checked, as a plain struct. Pure. */
#pragma once

#include "client/elves-client.h"

G_BEGIN_DECLS

#define ELVES_CLIENT_DELAYS_MAX 64

typedef struct
{
  char *host;
  guint16 port;
} ElvesClientServer;

/* Texts are never NULL. */
typedef struct
{
  ElvesClientServer *servers;
  guint n_servers; /* at least one */
  char *vhost, *user, *password;
  char *topic, *group;
  char *queue;      /* of the group and topic */
  char *dead_queue; /* of the group */
  guint delays_ms[ELVES_CLIENT_DELAYS_MAX];
  guint n_delays; /* so often a message comes again */
  guint prefetch;
  guint connect_timeout_ms, heartbeat_s;
  guint retry_first_ms, retry_cap_ms; /* of reaching the broker */
} ElvesClientSettings;

/* Errors: ELVES_CONSUMER_ERROR_INVALID names the key. */
ElvesClientSettings *elves_client_settings_new (const ElvesConsumerSetting *list, GError **error);
void elves_client_settings_free (ElvesClientSettings *self);

/* (transfer full): where a message waits so many milliseconds. */
char *elves_client_settings_delay_queue (const ElvesClientSettings *self, guint delay_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesClientSettings, elves_client_settings_free)

G_END_DECLS
