/* What the parts of the RPC codec share. */
#pragma once

#include "common/rpc-codec.h"
#include "common/rpc-transport.h"

#include <thrift/c_glib/protocol/thrift_protocol.h>

G_BEGIN_DECLS

#define ELVES_RPC_N_METHODS (ELVES_RPC_HEARTBEAT_PACKAGE + 1)
extern const char *const elves_rpc_method_names[ELVES_RPC_N_METHODS]; /* NULL for UNKNOWN */

/* The one transport, and the binary protocol over it; never freed. */
ElvesRpcTransport *elves_rpc_codec_transport (void);
ThriftProtocol *elves_rpc_codec_protocol (void);

/* The two structs <-> values, by the generated code. */
void elves_rpc_write_instruct (ThriftProtocol *protocol, const ElvesInstruct *instruct);
void elves_rpc_write_reinstruct (ThriftProtocol *protocol, const ElvesReinstruct *reinstruct);
ElvesInstruct *elves_rpc_read_instruct (ThriftProtocol *protocol, GError **error);
ElvesReinstruct *elves_rpc_read_reinstruct (ThriftProtocol *protocol, GError **error);

G_END_DECLS
