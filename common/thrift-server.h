/* A Thrift service on the main loop: accepts connections, hands up one call at a time per
 * connection (pipelined calls wait in the socket and are answered in order), writes the answers.
 *
 * A foreign address is accepted and closed at once (it sees EOF). Too many connections: accepting
 * stops until one closes. Out of descriptors: accepting pauses, the daemon lives. An unknown method
 * is answered here with UNKNOWN_METHOD; a malformed message closes the connection. */
#pragma once

#include "common/address-list.h"
#include "common/rpc-codec.h"
#include "common/thrift-link.h"

G_BEGIN_DECLS

typedef struct ElvesThriftServer ElvesThriftServer;
typedef struct ElvesThriftCall ElvesThriftCall;

typedef struct
{
  const char *host;                /* an IP address to listen on */
  guint16 port;                    /* 0: any, see elves_thrift_server_port() */
  const ElvesAddressList *allowed; /* empty: everybody; must outlive the server */
  guint max_connections;
  guint idle_timeout_s;    /* between calls; 0: never */
  guint message_timeout_s; /* from the first byte of a call to its last; 0: never */
  ElvesThriftLinkOptions link;
} ElvesThriftServerOptions;

typedef struct
{
  /* @call is yours: end it with exactly one elves_thrift_call_answer_*(), now or later. */
  void (*call) (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data);
} ElvesThriftServerCallbacks;

ElvesThriftServer *elves_thrift_server_new (ElvesPoller *poller,
                                            const ElvesThriftServerOptions *options,
                                            const ElvesThriftServerCallbacks *callbacks,
                                            gpointer user_data,
                                            GError **error);
void elves_thrift_server_free (
    ElvesThriftServer *self); /* open calls stay valid, their answers go nowhere */
guint16 elves_thrift_server_port (ElvesThriftServer *self);
void elves_thrift_server_stop_listening (ElvesThriftServer *self); /* open connections go on */

const ElvesRpcRequest *elves_thrift_call_request (ElvesThriftCall *self);
/* (transfer full) (nullable): who called; NULL: the connection has gone. An IPv4 address as such.
 */
GInetAddress *elves_thrift_call_peer (ElvesThriftCall *self);
/* Each frees the call. When the peer has gone the answer is dropped. */
void elves_thrift_call_answer_text (ElvesThriftCall *self, const char *text);
void
elves_thrift_call_answer_texts (ElvesThriftCall *self, const char *const *texts, guint n_texts);
void elves_thrift_call_answer_reinstruct (ElvesThriftCall *self, const ElvesReinstruct *answer);
void elves_thrift_call_answer_output (ElvesThriftCall *self, const ElvesOutputChunk *chunk);
void elves_thrift_call_answer_list (ElvesThriftCall *self, GPtrArray *answers);
void elves_thrift_call_answer_exception (ElvesThriftCall *self,
                                         ElvesRpcException type,
                                         const char *text);
void elves_thrift_call_end (ElvesThriftCall *self);  /* no answer: it was one way */
void elves_thrift_call_drop (ElvesThriftCall *self); /* no answer: the connection is closed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesThriftServer, elves_thrift_server_free)

G_END_DECLS
