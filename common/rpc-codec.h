/* Elves' Thrift messages <-> plain values, by the generated code over a linear buffer.
   Pure: bytes in, values out. Main thread only (one cached transport and protocol).
   Decoders take exactly one whole message, as elves_thrift_scan_feed() delimits it. */
#pragma once

#include "common/instruct.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_RPC_UNKNOWN, /* a method we do not serve: name says which */
  ELVES_RPC_ALIVE_CHECK,
  ELVES_RPC_INVOKE_ASYNC,
  ELVES_RPC_INVOKE_SYNC,
  ELVES_RPC_DATA_TRANSPORT,
  ELVES_RPC_RUN_PROCESSOR,
  ELVES_RPC_HEARTBEAT_PACKAGE,
  ELVES_RPC_INVOKE_LIST,    /* one way */
  ELVES_RPC_TRANSPORT_LIST, /* dataTransportList */
  ELVES_RPC_ANSWERS,        /* instructionAnswers, one way */
  ELVES_RPC_CANCEL,
  ELVES_RPC_READ_OUTPUT
} ElvesRpcMethod;

/* What an agent says of itself in a heartbeat. Valid UTF-8; NULL: not sent. */
typedef struct
{
  char *id, *ip, *version;
  char *apps; /* JSON text, unchecked */
} ElvesAgentInfo;

/* What an item of a list carries beside the instruct or the answer. */
typedef struct
{
  gint32 call;   /* its number; 0: none was sent */
  gboolean wait; /* INVOKE_LIST: the answer is the result */
} ElvesRpcMark;

/* What a job has printed, from @offset on. */
typedef struct
{
  GBytes *data; /* (nullable): none */
  gint64 offset, total;
  gboolean ended;
} ElvesOutputChunk;

void elves_output_chunk_clear (ElvesOutputChunk *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesOutputChunk, elves_output_chunk_clear)

/* A call as it came in. */
typedef struct
{
  ElvesRpcMethod method;
  char *name;
  gint32 seqid;
  GPtrArray *instructs;   /* of ElvesInstruct: ASYNC and INVOKE_LIST any number, SYNC, CANCEL and
                             READ_OUTPUT one or (no ins sent) none */
  GPtrArray *reinstructs; /* of ElvesReinstruct: TRANSPORT_LIST, ANSWERS */
  GArray *marks;          /* of ElvesRpcMark, one for each item of either */
  ElvesReinstruct *reinstruct; /* (nullable) DATA_TRANSPORT, RUN_PROCESSOR */
  ElvesAgentInfo agent;        /* HEARTBEAT_PACKAGE */
  gint64 offset;               /* READ_OUTPUT */
  gint32 limit;
} ElvesRpcRequest;

ElvesRpcRequest *elves_rpc_decode_request (const guint8 *bytes, gsize length, GError **error);
void elves_rpc_request_free (ElvesRpcRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRpcRequest, elves_rpc_request_free)

/* Calls going out: each appends one message to @out. */
void elves_rpc_encode_alive_check (GByteArray *out, gint32 seqid);
void elves_rpc_encode_invoke_sync (GByteArray *out, gint32 seqid, const ElvesInstruct *instruct);
void elves_rpc_encode_invoke_async (GByteArray *out, gint32 seqid, GPtrArray *instructs);
void elves_rpc_encode_data_transport (GByteArray *out, gint32 seqid, const ElvesReinstruct *result);
void elves_rpc_encode_run_processor (GByteArray *out, gint32 seqid, const ElvesReinstruct *result);
void elves_rpc_encode_transport_list (GByteArray *out, gint32 seqid, GPtrArray *results);
void elves_rpc_encode_cancel (GByteArray *out, gint32 seqid, const ElvesInstruct *instruct);
void elves_rpc_encode_read_output (GByteArray *out,
                                   gint32 seqid,
                                   const ElvesInstruct *instruct,
                                   gint64 offset,
                                   gint32 limit);
/* One way: no answer comes, but an exception when the peer does not know the method. */
void
elves_rpc_encode_invoke_list (GByteArray *out, GPtrArray *instructs, const ElvesRpcMark *marks);
void elves_rpc_encode_answers (GByteArray *out,
                               ElvesReinstruct *const *answers,
                               const ElvesRpcMark *marks,
                               guint n_answers);

/* Answers going out. */
typedef enum
{
  ELVES_RPC_EXCEPTION_UNKNOWN_METHOD = 1,
  ELVES_RPC_EXCEPTION_MISSING_RESULT = 5,
  ELVES_RPC_EXCEPTION_INTERNAL_ERROR = 6,
  ELVES_RPC_EXCEPTION_PROTOCOL_ERROR = 7
} ElvesRpcException; /* the numbers of Thrift's TApplicationException */

void
elves_rpc_encode_answer_text (GByteArray *out, const ElvesRpcRequest *request, const char *text);
void elves_rpc_encode_answer_reinstruct (GByteArray *out,
                                         const ElvesRpcRequest *request,
                                         const ElvesReinstruct *answer);
void elves_rpc_encode_answer_output (GByteArray *out,
                                     const ElvesRpcRequest *request,
                                     const ElvesOutputChunk *chunk);
void
elves_rpc_encode_answer_list (GByteArray *out, const ElvesRpcRequest *request, GPtrArray *answers);
void elves_rpc_encode_answer_texts (GByteArray *out,
                                    const ElvesRpcRequest *request,
                                    const char *const *texts,
                                    guint n_texts);
void elves_rpc_encode_answer_exception (GByteArray *out,
                                        const ElvesRpcRequest *request,
                                        ElvesRpcException type,
                                        const char *text);

/* Answers coming in. An exception of the peer, another method's answer, a wrong type: FALSE and
   ELVES_ERROR_PROTOCOL (UNKNOWN_METHOD: ELVES_ERROR_NOT_FOUND). A list without a success field is
   an empty list, as the original agent sends it. */
gboolean elves_rpc_decode_text (const guint8 *bytes,
                                gsize length,
                                ElvesRpcMethod method,
                                gint32 *out_seqid,
                                char **out_text,
                                GError **error);
/* @method: INVOKE_SYNC, CANCEL */
gboolean elves_rpc_decode_reinstruct (const guint8 *bytes,
                                      gsize length,
                                      ElvesRpcMethod method,
                                      gint32 *out_seqid,
                                      ElvesReinstruct **out_answer,
                                      GError **error);
gboolean elves_rpc_decode_output (const guint8 *bytes,
                                  gsize length,
                                  gint32 *out_seqid,
                                  ElvesOutputChunk *out_chunk,
                                  GError **error);
gboolean elves_rpc_decode_list (const guint8 *bytes,
                                gsize length,
                                gint32 *out_seqid,
                                GPtrArray **out_answers,
                                GError **error);
gboolean elves_rpc_decode_texts (const guint8 *bytes,
                                 gsize length,
                                 gint32 *out_seqid,
                                 GPtrArray **out_texts,
                                 GError **error);
/* What comes back on a connection that carries lists: ANSWERS; or an exception, as above. */
ElvesRpcRequest *elves_rpc_decode_answers (const guint8 *bytes, gsize length, GError **error);

G_END_DECLS
