/* What the two parts of a server share: thrift-server.c accepts and reads, thrift-call.c answers.
 */
#pragma once

#include "common/thrift-channel.h"

#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct ElvesThriftConnection ElvesThriftConnection;

struct ElvesThriftServer
{
  ElvesPoller *poller;
  const ElvesAddressList *allowed;
  ElvesThriftLinkOptions link_options;
  guint max_connections;
  gint64 idle_timeout_us;
  gint64 message_timeout_us;
  ElvesThriftServerCallbacks callbacks;
  gpointer user_data;

  GSocket *listener; /* NULL: no longer listening */
  ElvesWatch *watch;
  guint16 port;
  guint retry_id;         /* accepting pauses */
  gint64 last_warning_us; /* 0: never */

  GQueue connections;
  guint timer_id;
};

struct ElvesThriftConnection
{
  ElvesThriftServer *server;
  GList node;
  struct sockaddr_storage peer;
  ElvesThriftLink *link;
  ElvesThriftCall *call;       /* (nullable): the open one */
  ElvesThriftChannel *channel; /* (nullable): of one that sends lists */
  gint64 message_since_us;     /* 0: no message under way when the timer looked last */
};

struct ElvesThriftCall
{
  ElvesThriftConnection *connection; /* NULL: it has gone */
  ElvesRpcRequest *request;
};

struct ElvesThriftChannel
{
  ElvesThriftConnection *connection; /* NULL: it has gone */
  GPtrArray *answers;                /* of ElvesReinstruct */
  GArray *marks;                     /* of ElvesRpcMark, one for each */
  guint n_sent;                      /* of them: they are bytes now */
  guint n_due;                       /* expected */
};

void elves_thrift_channel_close (ElvesThriftChannel *self);    /* (transfer full) */
gboolean elves_thrift_channel_fill (ElvesThriftChannel *self); /* the link's output */

/* Also lets the next connection in, when too many were open. */
void elves_thrift_connection_free (ElvesThriftConnection *self);

G_END_DECLS
