/* What broker.c and broker-open.c share. Nobody else includes this. */
#pragma once

#include "client/broker.h"

#include <amqp_framing.h>

G_BEGIN_DECLS

#define ELVES_CLIENT_CHANNEL 1

struct ElvesClientBroker
{
  const ElvesClientSettings *settings;
  guint epoch;
  amqp_connection_state_t connection;
  gboolean is_open;   /* logged in: to be closed in good order */
  guint64 published;  /* since it is open */
  GQueue unconfirmed; /* of what broker.c says, in order */
};

/* FALSE of what is no success. */
gboolean elves_client_broker_check (int status, const char *doing, GError **error);
gboolean
elves_client_broker_check_reply (amqp_rpc_reply_t reply, const char *doing, GError **error);

G_END_DECLS
