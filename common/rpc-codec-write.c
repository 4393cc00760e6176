/* RPC codec, writing: values become whole Thrift messages.
 *
 * A message is a header, then one struct: the arguments of a call, the result of an answer (field
 * 0 is its value), or an exception. These wrappers are written here over c_glib's binary protocol;
 * the two structs inside are the generated code's (rpc-codec-struct.c). Headers are always strict.
 *
 * Writing goes into memory and cannot fail, so its results are not looked at. Main thread only. */
#include "common/rpc-codec-private.h"

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>

const char *const elves_rpc_method_names[ELVES_RPC_N_METHODS] = {
  [ELVES_RPC_ALIVE_CHECK] = "aliveCheck",
  [ELVES_RPC_INVOKE_ASYNC] = "instructionInvokeAsync",
  [ELVES_RPC_INVOKE_SYNC] = "instructionInvokeSync",
  [ELVES_RPC_DATA_TRANSPORT] = "dataTransport",
  [ELVES_RPC_RUN_PROCESSOR] = "runProcessor",
  [ELVES_RPC_HEARTBEAT_PACKAGE] = "heartbeatPackage",
  [ELVES_RPC_INVOKE_LIST] = "instructionInvokeList",
  [ELVES_RPC_TRANSPORT_LIST] = "dataTransportList",
  [ELVES_RPC_ANSWERS] = "instructionAnswers",
  [ELVES_RPC_CANCEL] = "cancel",
  [ELVES_RPC_READ_OUTPUT] = "readOutput",
};

ElvesRpcTransport *
elves_rpc_codec_transport (void)
{
  static ElvesRpcTransport *transport;
  if (!transport)
    transport = elves_rpc_transport_new ();
  return transport;
}

ThriftProtocol *
elves_rpc_codec_protocol (void)
{
  static ThriftProtocol *protocol;
  if (!protocol)
    protocol =
        g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport", elves_rpc_codec_transport (), NULL);
  return protocol;
}

static ThriftProtocol *
write_begin (GByteArray *out, const char *name, ThriftMessageType type, gint32 seqid)
{
  elves_rpc_transport_write_to (elves_rpc_codec_transport (), out);
  ThriftProtocol *protocol = elves_rpc_codec_protocol ();
  thrift_protocol_write_message_begin (protocol, name, type, seqid, NULL);
  return protocol;
}

void
elves_rpc_end (ThriftProtocol *protocol)
{
  thrift_protocol_write_field_stop (protocol, NULL);
  elves_rpc_transport_write_to (elves_rpc_codec_transport (), NULL);
}

ThriftProtocol *
elves_rpc_begin_call (GByteArray *out, ElvesRpcMethod method, gint32 seqid)
{
  return write_begin (out, elves_rpc_method_names[method], T_CALL, seqid);
}

ThriftProtocol *
elves_rpc_begin_reply (GByteArray *out, const ElvesRpcRequest *request)
{
  return write_begin (out, request->name, T_REPLY, request->seqid);
}

void
elves_rpc_write_field (ThriftProtocol *protocol, ThriftType type, gint16 id)
{
  thrift_protocol_write_field_begin (protocol, "", type, id, NULL);
}

static void
write_list (ThriftProtocol *protocol, gint16 id, ThriftType type, guint size)
{
  elves_rpc_write_field (protocol, T_LIST, id);
  thrift_protocol_write_list_begin (protocol, type, size, NULL);
}

/**
 * elves_rpc_encode_alive_check:
 * @out: one message is appended
 */
void
elves_rpc_encode_alive_check (GByteArray *out, gint32 seqid)
{
  elves_rpc_end (elves_rpc_begin_call (out, ELVES_RPC_ALIVE_CHECK, seqid));
}

/**
 * elves_rpc_encode_invoke_sync:
 * @out: one message is appended
 */
void
elves_rpc_encode_invoke_sync (GByteArray *out, gint32 seqid, const ElvesInstruct *instruct)
{
  ThriftProtocol *protocol = elves_rpc_begin_call (out, ELVES_RPC_INVOKE_SYNC, seqid);
  elves_rpc_write_field (protocol, T_STRUCT, 1);
  elves_rpc_write_instruct (protocol, instruct, NULL);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_invoke_async:
 * @out: one message is appended
 * @instructs: (element-type ElvesInstruct): any number
 */
void
elves_rpc_encode_invoke_async (GByteArray *out, gint32 seqid, GPtrArray *instructs)
{
  ThriftProtocol *protocol = elves_rpc_begin_call (out, ELVES_RPC_INVOKE_ASYNC, seqid);
  write_list (protocol, 1, T_STRUCT, instructs->len);
  for (guint i = 0; i < instructs->len; i++)
    elves_rpc_write_instruct (protocol, instructs->pdata[i], NULL);
  elves_rpc_end (protocol);
}

static void
encode_reinstruct_call (GByteArray *out,
                        ElvesRpcMethod method,
                        gint32 seqid,
                        const ElvesReinstruct *result)
{
  ThriftProtocol *protocol = elves_rpc_begin_call (out, method, seqid);
  elves_rpc_write_field (protocol, T_STRUCT, 1);
  elves_rpc_write_reinstruct (protocol, result);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_data_transport:
 * @out: one message is appended
 */
void
elves_rpc_encode_data_transport (GByteArray *out, gint32 seqid, const ElvesReinstruct *result)
{
  encode_reinstruct_call (out, ELVES_RPC_DATA_TRANSPORT, seqid, result);
}

/**
 * elves_rpc_encode_run_processor:
 * @out: one message is appended
 */
void
elves_rpc_encode_run_processor (GByteArray *out, gint32 seqid, const ElvesReinstruct *result)
{
  encode_reinstruct_call (out, ELVES_RPC_RUN_PROCESSOR, seqid, result);
}

/**
 * elves_rpc_encode_transport_list:
 * @out: one message is appended
 * @results: (element-type ElvesReinstruct): any number
 */
void
elves_rpc_encode_transport_list (GByteArray *out, gint32 seqid, GPtrArray *results)
{
  ThriftProtocol *protocol = elves_rpc_begin_call (out, ELVES_RPC_TRANSPORT_LIST, seqid);
  write_list (protocol, 1, T_STRUCT, results->len);
  for (guint i = 0; i < results->len; i++)
    elves_rpc_write_reinstruct (protocol, results->pdata[i]);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_invoke_list:
 * @out: one message is appended
 * @instructs: (element-type ElvesInstruct): any number
 * @marks: (array): one for each
 */
void
elves_rpc_encode_invoke_list (GByteArray *out, GPtrArray *instructs, const ElvesRpcMark *marks)
{
  ThriftProtocol *protocol =
      write_begin (out, elves_rpc_method_names[ELVES_RPC_INVOKE_LIST], T_ONEWAY, 0);
  write_list (protocol, 1, T_STRUCT, instructs->len);
  for (guint i = 0; i < instructs->len; i++)
    elves_rpc_write_instruct (protocol, instructs->pdata[i], &marks[i]);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_answers:
 * @out: one message is appended
 * @answers: (array length=n_answers): any number; of their instructs at most the key is sent
 * @marks: (array length=n_answers): one for each
 */
void
elves_rpc_encode_answers (GByteArray *out,
                          ElvesReinstruct *const *answers,
                          const ElvesRpcMark *marks,
                          guint n_answers)
{
  ThriftProtocol *protocol =
      write_begin (out, elves_rpc_method_names[ELVES_RPC_ANSWERS], T_ONEWAY, 0);
  write_list (protocol, 1, T_STRUCT, n_answers);
  for (guint i = 0; i < n_answers; i++)
    elves_rpc_write_answer (protocol, answers[i], &marks[i]);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_answer_text:
 * @out: one message is appended
 */
void
elves_rpc_encode_answer_text (GByteArray *out, const ElvesRpcRequest *request, const char *text)
{
  ThriftProtocol *protocol = elves_rpc_begin_reply (out, request);
  elves_rpc_write_field (protocol, T_STRING, 0);
  thrift_protocol_write_string (protocol, text, NULL);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_answer_reinstruct:
 * @out: one message is appended
 */
void
elves_rpc_encode_answer_reinstruct (GByteArray *out,
                                    const ElvesRpcRequest *request,
                                    const ElvesReinstruct *answer)
{
  ThriftProtocol *protocol = elves_rpc_begin_reply (out, request);
  elves_rpc_write_field (protocol, T_STRUCT, 0);
  elves_rpc_write_reinstruct (protocol, answer);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_answer_list:
 * @out: one message is appended
 * @answers: (element-type ElvesReinstruct): any number
 */
void
elves_rpc_encode_answer_list (GByteArray *out, const ElvesRpcRequest *request, GPtrArray *answers)
{
  ThriftProtocol *protocol = elves_rpc_begin_reply (out, request);
  write_list (protocol, 0, T_STRUCT, answers->len);
  for (guint i = 0; i < answers->len; i++)
    elves_rpc_write_reinstruct (protocol, answers->pdata[i]);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_answer_texts:
 * @out: one message is appended
 * @texts: (array length=n_texts): any number
 */
void
elves_rpc_encode_answer_texts (GByteArray *out,
                               const ElvesRpcRequest *request,
                               const char *const *texts,
                               guint n_texts)
{
  ThriftProtocol *protocol = elves_rpc_begin_reply (out, request);
  write_list (protocol, 0, T_STRING, n_texts);
  for (guint i = 0; i < n_texts; i++)
    thrift_protocol_write_string (protocol, texts[i], NULL);
  elves_rpc_end (protocol);
}

/**
 * elves_rpc_encode_answer_exception:
 * @out: one message is appended
 */
void
elves_rpc_encode_answer_exception (GByteArray *out,
                                   const ElvesRpcRequest *request,
                                   ElvesRpcException type,
                                   const char *text)
{
  ThriftProtocol *protocol = write_begin (out, request->name, T_EXCEPTION, request->seqid);
  elves_rpc_write_field (protocol, T_STRING, 1);
  thrift_protocol_write_string (protocol, text, NULL);
  elves_rpc_write_field (protocol, T_I32, 2);
  thrift_protocol_write_i32 (protocol, type, NULL);
  elves_rpc_end (protocol);
}
