/* What the parts of the HTTP server share. Nobody else includes this.
 *
 * http-server.c      listens, and hears of requests from libsoup
 * http-connection.c  connections: counted, each with one deadline
 * http-line.c        what libsoup reads a connection from
 * http-request.c     one request, until it is answered
 * http-stream.c      an answer that comes in parts */
#pragma once

#include "openapi/http-line.h"
#include "openapi/http-server.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct
{
  ElvesHttpServer *server;
  GSocketConnection *socket; /* watched, not held */
  ElvesHttpLine *line;       /* holds the socket; libsoup holds it */
  GSocketAddress *peer;      /* the key in the table */
  ElvesDeadline deadline;
} ElvesHttpConnection;

struct ElvesHttpRequest
{
  ElvesHttpServer *server;    /* (nullable) it has gone */
  SoupServerMessage *message; /* (nullable) the client has gone */
  char *path, *query;
  char *method;
  gint64 began_us;
  GList place; /* in the server's list */
};

struct ElvesHttpServer
{
  ElvesDeadlines *deadlines;
  ElvesHttpServerOptions options;
  ElvesHttpServerCallbacks callbacks;
  gpointer user_data;
  guint16 port;
  SoupServer *soup;
  int idle_end; /* of the socket that libsoup listens on; nothing comes from it */
  GSocketService *service;
  GTlsCertificate *certificate; /* (nullable) */
  GHashTable *connections;      /* GSocketAddress -> ElvesHttpConnection */
  GQueue requests;              /* of ElvesHttpRequest: not answered yet */
  GQueue streams;               /* of ElvesHttpStream: open */
};

/* ---- http-connection.c ---- */

/* A handler of "incoming"; its user data is the server. */
gboolean elves_http_connection_accept (GSocketService *service,
                                       GSocketConnection *socket,
                                       GObject *source,
                                       gpointer server);
/* (nullable): the one that @message came over. */
ElvesHttpConnection *elves_http_connection_find (ElvesHttpServer *server,
                                                 SoupServerMessage *message);
void elves_http_connection_expect (ElvesHttpConnection *self); /* the client has to do something */
/* A request has begun, or is over. */
void elves_http_connection_set_idle (ElvesHttpConnection *self, gboolean idle);
void elves_http_connection_wait (ElvesHttpConnection *self); /* we have */
void elves_http_connection_cut (ElvesHttpConnection *self);
void elves_http_connections_forget (ElvesHttpServer *server);

/* ---- http-request.c ---- */

/* The body that refuses @message before anybody is asked. */
void elves_http_refuse (ElvesHttpServer *server,
                        SoupServerMessage *message,
                        guint status,
                        const char *why);
void elves_http_request_take (ElvesHttpServer *server, SoupServerMessage *message);
/* @message has been answered, or given up by its client. */
void elves_http_request_over (SoupServerMessage *message);
/* Its answer begins: it is no longer among those that wait. */
void elves_http_request_account (const ElvesHttpRequest *self, guint status, gsize length);
void elves_http_request_free (ElvesHttpRequest *self);
void elves_http_requests_forget (ElvesHttpServer *server);

/* ---- http-stream.c ---- */

void elves_http_streams_forget (ElvesHttpServer *server);

G_END_DECLS
