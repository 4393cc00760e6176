/* The status of a daemon over HTTP: GET /metrics and GET /healthz, read-only.
 *
 * libevent serves it on a thread of its own; what is said is made on the main loop, so that a loop
 * that hangs is seen: the answer is then 503. Bounded: connections (more wait in the kernel), the
 * size of a request, the life of a connection. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesHttpStatus ElvesHttpStatus;

typedef struct
{
  const char *host;      /* an address */
  guint16 port;          /* 0: any free one */
  const char *allowed;   /* addresses and networks that may ask; "": all that can reach @host */
  guint loop_timeout_ms; /* how long the main loop may take for an answer; 0: 2000 */
} ElvesHttpStatusOptions;

/* From the main loop. */
typedef struct
{
  void (*metrics) (GString *out, gpointer user_data);
  /* One line of JSON. FALSE: something is wrong, and @out says what. */
  gboolean (*health) (GString *out, gpointer user_data);
} ElvesHttpStatusCallbacks;

ElvesHttpStatus *elves_http_status_new (const ElvesHttpStatusOptions *options,
                                        const ElvesHttpStatusCallbacks *callbacks,
                                        gpointer user_data,
                                        GError **error);
ElvesHttpStatus *elves_http_status_serve (const ElvesHttpStatusOptions *options,
                                          const ElvesHttpStatusCallbacks *callbacks,
                                          gpointer user_data);
void elves_http_status_free (ElvesHttpStatus *self);
guint16 elves_http_status_port (const ElvesHttpStatus *self);

/* The body of /healthz: "status":"ok", or "status":"failing" and what is wrong.
   @problems: of char *; empty: nothing. Returns whether nothing is. */
gboolean elves_http_status_write_health (GString *out, const char *name, const GPtrArray *problems);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesHttpStatus, elves_http_status_free)

G_END_DECLS
