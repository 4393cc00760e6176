/* RPC codec: cancel and readOutput, and the struct that only these have.
 *
 * An OutputChunk is walked here, field by field, as the wrappers are: its data are bytes of any
 * content. Main thread only. */
#include "common/rpc-codec-private.h"

/**
 * elves_output_chunk_clear:
 * @self: a chunk, or all zero
 */
void
elves_output_chunk_clear (ElvesOutputChunk *self)
{
  g_clear_pointer (&self->data, g_bytes_unref);
}

/**
 * elves_rpc_encode_cancel:
 * @out: one message is appended
 * @instruct: its execution, or its id and type, name the job
 */
void
elves_rpc_encode_cancel (GByteArray *out, gint32 seqid, const ElvesInstruct *instruct)
{
  ThriftProtocol *protocol = elves_rpc_begin_call (out, ELVES_RPC_CANCEL, seqid);
  elves_rpc_write_field (protocol, T_STRUCT, 1);
  elves_rpc_write_instruct (protocol, instruct, NULL);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_read_output:
 * @out: one message is appended
 * @instruct: its execution, or its id and type, name the job
 * @offset: of the first byte that is wanted
 * @limit: bytes
 */
void
elves_rpc_encode_read_output (GByteArray *out,
                              gint32 seqid,
                              const ElvesInstruct *instruct,
                              gint64 offset,
                              gint32 limit)
{
  ThriftProtocol *protocol = elves_rpc_begin_call (out, ELVES_RPC_READ_OUTPUT, seqid);
  elves_rpc_write_field (protocol, T_STRUCT, 1);
  elves_rpc_write_instruct (protocol, instruct, NULL);
  elves_rpc_write_field (protocol, T_I64, 2);
  thrift_protocol_write_i64 (protocol, offset, NULL);
  elves_rpc_write_field (protocol, T_I32, 3);
  thrift_protocol_write_i32 (protocol, limit, NULL);
  elves_rpc_end (protocol);
}

static void
write_chunk (ThriftProtocol *protocol, const ElvesOutputChunk *chunk)
{
  gsize length = 0;
  gconstpointer data = chunk->data != NULL ? g_bytes_get_data (chunk->data, &length) : "";
  elves_rpc_write_field (protocol, T_STRING, 1);
  thrift_protocol_write_binary (protocol, (gpointer) data, (guint32) length, NULL);
  elves_rpc_write_field (protocol, T_I64, 2);
  thrift_protocol_write_i64 (protocol, chunk->offset, NULL);
  elves_rpc_write_field (protocol, T_BOOL, 3);
  thrift_protocol_write_bool (protocol, chunk->ended, NULL);
  elves_rpc_write_field (protocol, T_I64, 4);
  thrift_protocol_write_i64 (protocol, chunk->total, NULL);
  thrift_protocol_write_field_stop (protocol, NULL);
}

/**
 * elves_rpc_encode_answer_output:
 * @out: one message is appended
 */
void
elves_rpc_encode_answer_output (GByteArray *out,
                                const ElvesRpcRequest *request,
                                const ElvesOutputChunk *chunk)
{
  ThriftProtocol *protocol = elves_rpc_begin_reply (out, request);
  elves_rpc_write_field (protocol, T_STRUCT, 0);
  write_chunk (protocol, chunk);
  elves_rpc_end (protocol);
}

static gboolean
read_data (ThriftProtocol *protocol, gpointer out, GError **error)
{
  GBytes **data = out;
  gpointer bytes = NULL;
  guint32 length = 0;
  if (thrift_protocol_read_binary (protocol, &bytes, &length, error) < 0)
    return FALSE;
  g_clear_pointer (data, g_bytes_unref);
  *data = g_bytes_new_take (bytes, length);
  return TRUE;
}

static gboolean
read_flag (ThriftProtocol *protocol, gpointer out, GError **error)
{
  return thrift_protocol_read_bool (protocol, out, error) >= 0;
}

typedef struct
{
  ElvesOutputChunk chunk;
  gboolean was_sent;
} Reading;

static gboolean
read_chunk (ThriftProtocol *protocol, gpointer out, GError **error)
{
  static const ElvesRpcField fields[] = {
    { 1, T_STRING, read_data, G_STRUCT_OFFSET (ElvesOutputChunk, data) },
    { 2, T_I64, elves_rpc_read_i64, G_STRUCT_OFFSET (ElvesOutputChunk, offset) },
    { 3, T_BOOL, read_flag, G_STRUCT_OFFSET (ElvesOutputChunk, ended) },
    { 4, T_I64, elves_rpc_read_i64, G_STRUCT_OFFSET (ElvesOutputChunk, total) },
  };
  Reading *reading = out;
  reading->was_sent = TRUE;
  return elves_rpc_read_fields (fields, G_N_ELEMENTS (fields), &reading->chunk, error);
}

/**
 * elves_rpc_decode_output:
 * @out_seqid: also set when the answer is an exception
 * @out_chunk: (out caller-allocates): the answer to readOutput; set only on success
 *
 * Errors: as elves_rpc_decode_text().
 */
gboolean
elves_rpc_decode_output (const guint8 *bytes,
                         gsize length,
                         gint32 *out_seqid,
                         ElvesOutputChunk *out_chunk,
                         GError **error)
{
  static const ElvesRpcField success = { 0, T_STRUCT, read_chunk };
  Reading reading = { 0 };
  if (elves_rpc_read_answer (bytes, length, ELVES_RPC_READ_OUTPUT, &success, &reading, out_seqid,
                             error) &&
      (reading.was_sent || elves_rpc_fail_by_no_result (ELVES_RPC_READ_OUTPUT, error)))
    {
      *out_chunk = reading.chunk;
      return TRUE;
    }
  elves_output_chunk_clear (&reading.chunk);
  return FALSE;
}
