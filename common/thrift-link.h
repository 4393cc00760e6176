/* One non-blocking socket that carries whole Thrift messages, on the main loop.
 *
 * Outgoing messages are encoded straight into the link's output buffer; everything appended in one
 * turn of the loop leaves in one send(). Incoming bytes are scanned once; each whole message is
 * handed up as it ends. TCP_NODELAY is set, TCP_QUICKACK is renewed within a message (a peer that
 * writes field by field stalls 44 ms a call without it), SIGPIPE never comes. */
#pragma once

#include "common/poller.h"
#include "common/thrift-scan.h"

G_BEGIN_DECLS

typedef struct ElvesThriftLink ElvesThriftLink;

typedef struct
{
  ElvesThriftLimits limits;
  guint connect_timeout_ms; /* resolving included */
  gsize output_limit_bytes; /* more than this waiting to be sent: the link is closed, BUSY */
  /* More than this waiting to be sent: no further message is handed up until it has left. 0: never;
     only one side of a connection may do so, or both could wait for each other. */
  gsize output_pause_bytes;
} ElvesThriftLinkOptions;

/* All on the main loop, never from inside a call of ours. */
typedef struct
{
  void (*opened) (ElvesThriftLink *link, gpointer user_data); /* (nullable) outgoing links */
  /* One message; the bytes are valid during the call. The link may be freed from inside. */
  void (*message) (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data);
  /* Last of all, exactly once, also when connecting failed. @error: why; ELVES_ERROR_REFUSED
     (connection refused), UNAVAILABLE (no route, no such name, reset), TIMEOUT (not connected in
     time), PROTOCOL (a limit or not Thrift); NULL: the peer closed between two messages. */
  void (*closed) (ElvesThriftLink *link, const GError *error, gpointer user_data);
  /* (nullable) The link is about to send, or has sent all: more may be appended, and nothing else
     done from inside. Returns: whether it was. */
  gboolean (*fill) (ElvesThriftLink *link, gpointer user_data);
} ElvesThriftLinkCallbacks;

ElvesThriftLink *elves_thrift_link_connect (ElvesPoller *poller,
                                            const char *host,
                                            guint16 port,
                                            const ElvesThriftLinkOptions *options,
                                            const ElvesThriftLinkCallbacks *callbacks,
                                            gpointer user_data);
ElvesThriftLink *elves_thrift_link_accept (ElvesPoller *poller,
                                           int fd,
                                           const ElvesThriftLinkOptions *options,
                                           const ElvesThriftLinkCallbacks *callbacks,
                                           gpointer user_data);
void
elves_thrift_link_free (ElvesThriftLink *self); /* NULL is fine; closes; no callback afterwards */

/* Append one message here, then call _flush(): it leaves at the end of this turn of the loop.
   Before the link is open the bytes wait. */
GByteArray *elves_thrift_link_output (ElvesThriftLink *self);
void elves_thrift_link_flush (ElvesThriftLink *self);
gsize elves_thrift_link_waiting_bytes (ElvesThriftLink *self); /* appended and not sent */

/* No further message is handed up; when all that was appended has left, the link closes (closed
   comes, without an error). */
void elves_thrift_link_finish (ElvesThriftLink *self);

/* While paused no further message is handed up and nothing is read beyond what has come. */
void elves_thrift_link_pause (ElvesThriftLink *self);
void elves_thrift_link_resume (ElvesThriftLink *self);

gint64
elves_thrift_link_last_activity_us (ElvesThriftLink *self);    /* monotonic: last byte in or out */
gboolean elves_thrift_link_in_message (ElvesThriftLink *self); /* part of a message has come */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesThriftLink, elves_thrift_link_free)

G_END_DECLS
