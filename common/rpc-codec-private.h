/* What the parts of the RPC codec share. */
#pragma once

#include "common/rpc-codec.h"
#include "common/rpc-transport.h"

#include <thrift/c_glib/protocol/thrift_protocol.h>

G_BEGIN_DECLS

#define ELVES_RPC_N_METHODS (ELVES_RPC_READ_OUTPUT + 1)
extern const char *const elves_rpc_method_names[ELVES_RPC_N_METHODS]; /* NULL for UNKNOWN */

/* The one transport, and the binary protocol over it; never freed. */
ElvesRpcTransport *elves_rpc_codec_transport (void);
ThriftProtocol *elves_rpc_codec_protocol (void);

/* Messages: a header, one struct of fields. Each returns the protocol to write the fields with. */
ThriftProtocol *elves_rpc_begin_call (GByteArray *out, ElvesRpcMethod method, gint32 seqid);
ThriftProtocol *elves_rpc_begin_reply (GByteArray *out, const ElvesRpcRequest *request);
void elves_rpc_write_field (ThriftProtocol *protocol, ThriftType type, gint16 id);
void elves_rpc_end (ThriftProtocol *protocol);

/* Reads the value of a field into @out; a field that is sent twice counts the last time. */
typedef gboolean (*ElvesRpcReadFunc) (ThriftProtocol *protocol, gpointer out, GError **error);

/* A field that has a meaning. */
typedef struct
{
  gint16 id;
  ThriftType type;
  ElvesRpcReadFunc read;
  gsize offset; /* of the value, in what is read into */
} ElvesRpcField;

/* Walks a struct: those of @fields are read into @out, all others are skipped. */
gboolean
elves_rpc_read_fields (const ElvesRpcField *fields, guint n_fields, gpointer out, GError **error);
/* Reads the answer to @method up to its end, the value by @success into @out. */
gboolean elves_rpc_read_answer (const guint8 *bytes,
                                gsize length,
                                ElvesRpcMethod method,
                                const ElvesRpcField *success,
                                gpointer out,
                                gint32 *out_seqid,
                                GError **error);
gboolean elves_rpc_fail_by_no_result (ElvesRpcMethod method, GError **error);
gboolean elves_rpc_read_i64 (ThriftProtocol *protocol, gpointer out, GError **error);
gboolean elves_rpc_read_i32 (ThriftProtocol *protocol, gpointer out, GError **error);

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
