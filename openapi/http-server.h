/* An HTTP server on the main loop, by libsoup: hands up whole requests, answers them now or later.
 *
 * Bounded: connections (more wait in the kernel), headers (libsoup: 64 KiB), body, the time a
 * client takes to send its request or to take its answer, requests not yet answered, and answers
 * that come in parts. What is over a limit is answered where it can be, else the connection is
 * closed. Main thread only. */
#pragma once

#include "common/address-list.h"
#include "common/deadlines.h"

G_BEGIN_DECLS

typedef struct ElvesHttpServer ElvesHttpServer;
typedef struct ElvesHttpRequest ElvesHttpRequest;
typedef struct ElvesHttpStream ElvesHttpStream;

typedef struct
{
  const char *host;                      /* an IP address to listen on */
  guint16 port;                          /* 0: any free one */
  const ElvesAddressList *allowed;       /* empty: everybody; outlives the server */
  const char *tls_certificate, *tls_key; /* files in PEM; "": plain HTTP */
  guint max_connections;
  guint max_requests; /* being answered; more get 503 with Retry-After */
  guint max_streams;  /* answers that come in parts, at one time */
  gsize max_body_bytes;
  guint client_timeout_s; /* between requests, for sending one, for taking an answer */
} ElvesHttpServerOptions;

typedef struct
{
  /* @request is yours: end it with exactly one elves_http_request_answer() or _stream(), now or
     later. */
  void (*request) (ElvesHttpRequest *request, gpointer user_data);
  /* (transfer full): the body that says why a request to @path is refused here. */
  GString *(*refusal) (const char *path,
                       guint status,
                       const char *why,
                       const char **out_content_type,
                       gpointer user_data);
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
guint elves_http_server_streams (const ElvesHttpServer *self);

/* What was asked; valid until it is answered. */
const char *elves_http_request_method (const ElvesHttpRequest *self);
const char *elves_http_request_path (const ElvesHttpRequest *self);  /* as received, not decoded */
const char *elves_http_request_query (const ElvesHttpRequest *self); /* (nullable) */
const char *elves_http_request_header (const ElvesHttpRequest *self, const char *name);
GBytes *elves_http_request_body (const ElvesHttpRequest *self); /* (transfer full) */

/* One more header of the answer. */
void elves_http_request_add_header (ElvesHttpRequest *self, const char *name, const char *value);
/* Takes @self and @body. */
void elves_http_request_answer (ElvesHttpRequest *self,
                                guint status,
                                const char *content_type,
                                GString *body);

/* ---- answers in parts ---- */

typedef struct
{
  /* All that was sent has been taken: now is the time for more. Whoever sends only then holds one
     part for a slow client, and no more. */
  void (*drained) (gpointer user_data);
  /* The client or the server has gone; what is sent now goes to nobody. May come from inside
     _send(). */
  void (*gone) (gpointer user_data);
} ElvesHttpStreamCallbacks;

/* (transfer full) (nullable): takes @self when it returns a stream: status 200 and the headers are
   on their way. NULL: there are too many, @self is yours as before. A client that does not take a
   part within client_timeout_s has gone. */
ElvesHttpStream *elves_http_request_stream (ElvesHttpRequest *self,
                                            const char *content_type,
                                            const ElvesHttpStreamCallbacks *callbacks,
                                            gpointer user_data);
void elves_http_stream_send (ElvesHttpStream *self, GString *part); /* takes @part */
gboolean elves_http_stream_is_drained (const ElvesHttpStream *self);
void elves_http_stream_end (ElvesHttpStream *self); /* frees it; no callback afterwards */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesHttpServer, elves_http_server_free)

G_END_DECLS
