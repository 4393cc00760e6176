/* Where elvesctl finds the broker and ZooKeeper: the scheduler's own keys, so that its file serves.
 */
#pragma once

#include "cli/command.h"
#include "common/config.h"

G_BEGIN_DECLS

typedef struct
{
  char *mq_host;
  guint mq_port;
  char *mq_user, *mq_password, *mq_vhost, *mq_exchange;
  guint mq_connect_timeout_ms;
  char *zookeeper_host, *zookeeper_root;
  guint zookeeper_session_ms;
} ElvesCliSettings;

gboolean
elves_cli_settings_load (ElvesCliSettings *self, const ElvesCliContext *context, GError **error);
void elves_cli_settings_clear (ElvesCliSettings *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesCliSettings, elves_cli_settings_clear)

G_END_DECLS
