/* What the parts of the RPC codec share. */
#pragma once

#include "common/rpc-codec.h"
#include "common/rpc-transport.h"

#include <thrift/c_glib/protocol/thrift_protocol.h>

G_BEGIN_DECLS

#define ELVES_RPC_N_METHODS (ELVES_RPC_ANSWERS + 1)
extern const char *const elves_rpc_method_names[ELVES_RPC_N_METHODS]; /* NULL for UNKNOWN */

/* The one transport, and the binary protocol over it; never freed. */
ElvesRpcTransport *elves_rpc_codec_transport (void);
ThriftProtocol *elves_rpc_codec_protocol (void);

/* The two structs <-> values, by the generated code. */
/* @mark: (nullable) none is written. */
void elves_rpc_write_instruct (ThriftProtocol *protocol,
                               const ElvesInstruct *instruct,
                               const ElvesRpcMark *mark);
void elves_rpc_write_reinstruct (ThriftProtocol *protocol, const ElvesReinstruct *reinstruct);
void elves_rpc_write_answer (ThriftProtocol *protocol,
                             const ElvesReinstruct *answer,
                             const ElvesRpcMark *mark);
/* @out_mark: (nullable). */
ElvesInstruct *
elves_rpc_read_instruct (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error);
ElvesReinstruct *
elves_rpc_read_reinstruct (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error);

G_END_DECLS
