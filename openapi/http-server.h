/* An HTTP server on the main loop, by libsoup: hands up whole requests, answers them now or later.
 *
 * Bounded: connections (more wait in the kernel), headers (libsoup: 64 KiB), body, the time a
 * client takes to send its request or to take its answer, and requests not yet answered. What is
 * over a limit is answered where it can be, else the connection is closed. Main thread only. */
#pragma once

#include "common/address-list.h"
#include "common/deadlines.h"

G_BEGIN_DECLS

typedef struct ElvesHttpServer ElvesHttpServer;
typedef struct ElvesHttpRequest ElvesHttpRequest;

typedef struct
{
  const char *host;                      /* an IP address to listen on */
  guint16 port;                          /* 0: any free one */
  const ElvesAddressList *allowed;       /* empty: everybody; outlives the server */
  const char *tls_certificate, *tls_key; /* files in PEM; "": plain HTTP */
  guint max_connections;
  guint max_requests; /* being answered; more get 503 with Retry-After */
  gsize max_body_bytes;
  guint client_timeout_s; /* between requests, for sending one, for taking an answer */
} ElvesHttpServerOptions;

typedef struct
{
  /* @request is yours: end it with exactly one elves_http_request_answer(), now or later. */
  void (*request) (ElvesHttpRequest *request, gpointer user_data);
} ElvesHttpServerCallbacks;

ElvesHttpServer *elves_http_server_new (ElvesDeadlines *deadlines,
                                        const ElvesHttpServerOptions *options,
                                        const ElvesHttpServerCallbacks *callbacks,
                                        gpointer user_data,
                                        GError **error);
/* Requests that are not answered yet may still be, to nobody. */
void elves_http_server_free (ElvesHttpServer *self);
guint16 elves_http_server_port (const ElvesHttpServer *self);
guint elves_http_server_waiting (const ElvesHttpServer *self); /* requests not answered yet */

/* What was asked; valid until it is answered. */
const char *elves_http_request_method (const ElvesHttpRequest *self);
const char *elves_http_request_path (const ElvesHttpRequest *self);  /* as received, not decoded */
const char *elves_http_request_query (const ElvesHttpRequest *self); /* (nullable) */
const char *elves_http_request_header (const ElvesHttpRequest *self, const char *name);
GBytes *elves_http_request_body (const ElvesHttpRequest *self); /* (transfer full) */

/* Takes @self and @body. */
void elves_http_request_answer (ElvesHttpRequest *self,
                                guint status,
                                const char *content_type,
                                GString *body);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesHttpServer, elves_http_server_free)

G_END_DECLS
