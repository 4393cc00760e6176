/* RPC codec, reading: whole Thrift messages become values.
 *
 * The wrappers (arguments, results, exceptions) are walked here, field by field, over c_glib's
 * binary protocol; the two structs inside are the generated code's (rpc-codec-struct.c).
 *
 * It promises: any bytes that passed elves_thrift_scan_feed() are decoded or refused, without a
 * leak and without a step that the bytes do not pay for. Strict and non-strict headers are read.
 * The message type of a call is not looked at, as the original agent does not: ONEWAY is answered
 * too. Main thread only. */
#include "common/error.h"
#include "common/rpc-codec-private.h"
#include "common/utf8.h"

#define NAME_LIMIT_BYTES 1024
#define ERROR_TEXT_LIMIT_BYTES 1024 /* of what a peer says, in our errors */

static ElvesRpcMethod
method_from_name (const char *name)
{
  for (guint i = ELVES_RPC_UNKNOWN + 1; i < ELVES_RPC_N_METHODS; i++)
    if (g_str_equal (name, elves_rpc_method_names[i]))
      return i;
  return ELVES_RPC_UNKNOWN;
}

typedef struct
{
  char *name; /* valid UTF-8 */
  ThriftMessageType type;
  gint32 seqid;
} Header;

typedef ElvesRpcField Field;

/* Thrift's error becomes ours. */
static gboolean
refuse (GError **error, GError *cause)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "Cannot decode a Thrift message: %s",
               cause ? cause->message : "it is malformed");
  g_clear_error (&cause);
  return FALSE;
}

/* c_glib reads only strict headers: of a non-strict one it takes the first word and reports
   success. Both start with a word that is either a version (negative) or the length of the name. */
static gboolean
read_header_words (ThriftProtocol *protocol, Header *out, GError **error)
{
  gint32 word;
  gint8 type;
  if (thrift_protocol_read_i32 (protocol, &word, error) < 0)
    return FALSE;
  gint32 name_bytes = word;
  if (word < 0 && thrift_protocol_read_i32 (protocol, &name_bytes, error) < 0)
    return FALSE;
  if (name_bytes < 0 ||
      (gsize) name_bytes > elves_rpc_transport_remaining (elves_rpc_codec_transport ()))
    return FALSE;
  g_autofree char *name = g_malloc (name_bytes + 1);
  if (thrift_transport_read_all (protocol->transport, name, name_bytes, error) < 0)
    return FALSE;
  if (word < 0)
    type = word & 0xff;
  else if (thrift_protocol_read_byte (protocol, &type, error) < 0)
    return FALSE;
  if (thrift_protocol_read_i32 (protocol, &out->seqid, error) < 0)
    return FALSE;
  out->type = (ThriftMessageType) type;
  out->name = elves_utf8_clean (name, name_bytes, NAME_LIMIT_BYTES, NULL);
  return TRUE;
}

static gboolean
read_header (const guint8 *bytes, gsize length, Header *out, GError **error)
{
  g_autoptr (GError) cause = NULL;
  elves_rpc_transport_read_from (elves_rpc_codec_transport (), bytes, length);
  if (read_header_words (elves_rpc_codec_protocol (), out, &cause))
    return TRUE;
  return refuse (error, g_steal_pointer (&cause));
}

gboolean
elves_rpc_read_fields (const Field *fields, guint n_fields, gpointer out, GError **error)
{
  ThriftProtocol *protocol = elves_rpc_codec_protocol ();
  while (TRUE)
    {
      g_autofree char *name = NULL;
      ThriftType type;
      gint16 id;
      if (thrift_protocol_read_field_begin (protocol, &name, &type, &id, error) < 0)
        return FALSE;
      if (type == T_STOP)
        return TRUE;
      const Field *known = NULL;
      for (guint i = 0; i < n_fields; i++)
        if (fields[i].id == id && fields[i].type == type)
          known = &fields[i];
      if (known ? !known->read (protocol, (char *) out + known->offset, error)
                : thrift_protocol_skip (protocol, type, error) < 0)
        return FALSE;
    }
}

/* Reads the whole wrapper, to the last byte. */
static gboolean
read_wrapper (const Field *fields, guint n_fields, gpointer out, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (!elves_rpc_read_fields (fields, n_fields, out, &cause))
    return refuse (error, g_steal_pointer (&cause));
  if (elves_rpc_transport_remaining (elves_rpc_codec_transport ()) > 0)
    return refuse (error, NULL);
  return TRUE;
}

/* ---- Values of the one field ---- */

static gboolean
read_text_up_to (ThriftProtocol *protocol, gsize limit_bytes, char **out_text, GError **error)
{
  g_autofree gpointer bytes = NULL;
  guint32 length = 0;
  if (thrift_protocol_read_binary (protocol, &bytes, &length, error) < 0)
    return FALSE;
  g_free (*out_text);
  *out_text = elves_utf8_clean (bytes ? bytes : "", length, limit_bytes, NULL);
  return TRUE;
}

static gboolean
read_text (ThriftProtocol *protocol, gpointer out, GError **error)
{
  return read_text_up_to (protocol, G_MAXSIZE, out, error);
}

static gboolean
read_reinstruct (ThriftProtocol *protocol, gpointer out, GError **error)
{
  ElvesReinstruct **reinstruct = out;
  g_clear_pointer (reinstruct, elves_reinstruct_unref);
  *reinstruct = elves_rpc_read_reinstruct (protocol, NULL, error);
  return *reinstruct != NULL;
}

static gboolean
read_instruct (ThriftProtocol *protocol, gpointer out, GError **error)
{
  GPtrArray *instructs = out;
  g_ptr_array_set_size (instructs, 0); /* sent twice: the last one counts */
  ElvesInstruct *instruct = elves_rpc_read_instruct (protocol, NULL, error);
  if (!instruct)
    return FALSE;
  g_ptr_array_add (instructs, instruct);
  return TRUE;
}

static gboolean
fail_by_list_type (ThriftType type, GError **error)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "a list of type %d", (int) type);
  return FALSE;
}

/* Items of another type would be read as structs and put the reader out of step. */
static gboolean
read_list_size (ThriftProtocol *protocol, guint32 *out_size, GError **error)
{
  ThriftType type;
  if (thrift_protocol_read_list_begin (protocol, &type, out_size, error) < 0)
    return FALSE;
  return type == T_STRUCT || *out_size == 0 || fail_by_list_type (type, error);
}

typedef gpointer (*ReadItemFunc) (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error);

/* @marks: (nullable). Sent twice: the last list counts. */
static gboolean
read_items (ThriftProtocol *protocol,
            ReadItemFunc read,
            GPtrArray *items,
            GArray *marks,
            GError **error)
{
  guint32 size;
  if (!read_list_size (protocol, &size, error))
    return FALSE;
  g_ptr_array_set_size (items, 0);
  if (marks)
    g_array_set_size (marks, 0);
  for (guint32 i = 0; i < size; i++)
    {
      ElvesRpcMark mark;
      gpointer item = read (protocol, &mark, error);
      if (!item)
        return FALSE;
      g_ptr_array_add (items, item);
      if (marks)
        g_array_append_val (marks, mark);
    }
  return TRUE;
}

/* As items of a list. */
static gpointer
read_instruct_item (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error)
{
  return elves_rpc_read_instruct (protocol, out_mark, error);
}

static gpointer
read_reinstruct_item (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error)
{
  return elves_rpc_read_reinstruct (protocol, out_mark, error);
}

static gboolean
read_instruct_list (ThriftProtocol *protocol, gpointer out, GError **error)
{
  ElvesRpcRequest *request = out;
  return read_items (protocol, read_instruct_item, request->instructs, request->marks, error);
}

static gboolean
read_reinstruct_items (ThriftProtocol *protocol, gpointer out, GError **error)
{
  ElvesRpcRequest *request = out;
  return read_items (protocol, read_reinstruct_item, request->reinstructs, request->marks, error);
}

static gboolean
read_reinstruct_list (ThriftProtocol *protocol, gpointer out, GError **error)
{
  return read_items (protocol, read_reinstruct_item, out, NULL, error);
}

static gboolean
read_text_list (ThriftProtocol *protocol, gpointer out, GError **error)
{
  GPtrArray *texts = out;
  ThriftType type;
  guint32 size;
  if (thrift_protocol_read_list_begin (protocol, &type, &size, error) < 0)
    return FALSE;
  if (type != T_STRING && size > 0)
    return fail_by_list_type (type, error);
  g_ptr_array_set_size (texts, 0);
  for (guint32 i = 0; i < size; i++)
    {
      char *text = NULL;
      if (!read_text (protocol, &text, error))
        return FALSE;
      g_ptr_array_add (texts, text);
    }
  return TRUE;
}

/* The first agents sent their id as a number. */
static gboolean
read_number_as_text (ThriftProtocol *protocol, gpointer out, GError **error)
{
  char **text = out;
  gint32 number;
  if (thrift_protocol_read_i32 (protocol, &number, error) < 0)
    return FALSE;
  g_free (*text);
  *text = g_strdup_printf ("%d", number);
  return TRUE;
}

static gboolean
read_agent_info (ThriftProtocol *protocol, gpointer out, GError **error)
{
  static const Field fields[] = {
    { 1, T_STRING, read_text, G_STRUCT_OFFSET (ElvesAgentInfo, id) },
    { 1, T_I32, read_number_as_text, G_STRUCT_OFFSET (ElvesAgentInfo, id) },
    { 2, T_STRING, read_text, G_STRUCT_OFFSET (ElvesAgentInfo, ip) },
    { 3, T_STRING, read_text, G_STRUCT_OFFSET (ElvesAgentInfo, version) },
    { 4, T_STRING, read_text, G_STRUCT_OFFSET (ElvesAgentInfo, apps) },
  };
  return elves_rpc_read_fields (fields, G_N_ELEMENTS (fields), out, error);
}

gboolean
elves_rpc_read_i64 (ThriftProtocol *protocol, gpointer out, GError **error)
{
  return thrift_protocol_read_i64 (protocol, out, error) >= 0;
}

gboolean
elves_rpc_read_i32 (ThriftProtocol *protocol, gpointer out, GError **error)
{
  return thrift_protocol_read_i32 (protocol, out, error) >= 0;
}

/* ---- Requests ---- */

static gboolean
read_instruct_of (ThriftProtocol *protocol, gpointer out, GError **error)
{
  ElvesRpcRequest *request = out;
  return read_instruct (protocol, request->instructs, error);
}

static gboolean
read_arguments (ElvesRpcRequest *self, GError **error)
{
  static const Field instruct = { 1, T_STRUCT, read_instruct };
  static const Field instructs = { 1, T_LIST, read_instruct_list };
  static const Field reinstruct = { 1, T_STRUCT, read_reinstruct };
  static const Field agent = { 1, T_STRUCT, read_agent_info };
  static const Field reinstructs = { 1, T_LIST, read_reinstruct_items };
  static const Field output[] = {
    { 1, T_STRUCT, read_instruct_of },
    { 2, T_I64, elves_rpc_read_i64, G_STRUCT_OFFSET (ElvesRpcRequest, offset) },
    { 3, T_I32, elves_rpc_read_i32, G_STRUCT_OFFSET (ElvesRpcRequest, limit) },
  };

  switch (self->method)
    {
    case ELVES_RPC_INVOKE_SYNC:
    case ELVES_RPC_CANCEL:
      return read_wrapper (&instruct, 1, self->instructs, error);
    case ELVES_RPC_INVOKE_ASYNC:
    case ELVES_RPC_INVOKE_LIST:
      return read_wrapper (&instructs, 1, self, error);
    case ELVES_RPC_TRANSPORT_LIST:
    case ELVES_RPC_ANSWERS:
      return read_wrapper (&reinstructs, 1, self, error);
    case ELVES_RPC_DATA_TRANSPORT:
    case ELVES_RPC_RUN_PROCESSOR:
      return read_wrapper (&reinstruct, 1, &self->reinstruct, error);
    case ELVES_RPC_READ_OUTPUT:
      return read_wrapper (output, G_N_ELEMENTS (output), self, error);
    case ELVES_RPC_HEARTBEAT_PACKAGE:
      return read_wrapper (&agent, 1, &self->agent, error);
    default:
      return read_wrapper (NULL, 0, NULL, error);
    }
}

/* Takes the name from @header. */
static ElvesRpcRequest *
read_request (const Header *header, GError **error)
{
  g_autoptr (ElvesRpcRequest) self = g_new0 (ElvesRpcRequest, 1);
  self->method = method_from_name (header->name);
  self->name = header->name;
  self->seqid = header->seqid;
  self->instructs = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_instruct_unref);
  self->reinstructs = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
  self->marks = g_array_new (FALSE, FALSE, sizeof (ElvesRpcMark));
  return read_arguments (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * elves_rpc_decode_request:
 * @bytes: (array length=length): one whole message
 *
 * Errors: %ELVES_ERROR_PROTOCOL.
 * Returns: (transfer full): the call, also of an unknown method; %NULL on error
 */
ElvesRpcRequest *
elves_rpc_decode_request (const guint8 *bytes, gsize length, GError **error)
{
  Header header = { NULL };
  if (!read_header (bytes, length, &header, error))
    return NULL;
  return read_request (&header, error);
}

static void
agent_info_clear (ElvesAgentInfo *self)
{
  g_free (self->id);
  g_free (self->ip);
  g_free (self->version);
  g_free (self->apps);
}

/**
 * elves_rpc_request_free:
 * @self: (nullable): the call
 */
void
elves_rpc_request_free (ElvesRpcRequest *self)
{
  if (!self)
    return;
  g_free (self->name);
  g_clear_pointer (&self->instructs, g_ptr_array_unref);
  g_clear_pointer (&self->reinstructs, g_ptr_array_unref);
  g_clear_pointer (&self->marks, g_array_unref);
  g_clear_pointer (&self->reinstruct, elves_reinstruct_unref);
  agent_info_clear (&self->agent);
  g_free (self);
}

/* ---- Answers ---- */

typedef struct
{
  char *message;
  gint32 type;
} Exception;

static gboolean
read_exception_type (ThriftProtocol *protocol, gpointer out, GError **error)
{
  Exception *exception = out;
  return thrift_protocol_read_i32 (protocol, &exception->type, error) >= 0;
}

static gboolean
read_exception_message (ThriftProtocol *protocol, gpointer out, GError **error)
{
  Exception *exception = out;
  return read_text_up_to (protocol, ERROR_TEXT_LIMIT_BYTES, &exception->message, error);
}

/* Always FALSE: the exception is the error. */
static gboolean
fail_by_exception (const char *method_name, GError **error)
{
  static const Field fields[] = { { 1, T_STRING, read_exception_message },
                                  { 2, T_I32, read_exception_type } };
  Exception exception = { NULL };
  if (read_wrapper (fields, G_N_ELEMENTS (fields), &exception, error))
    g_set_error (error, ELVES_ERROR,
                 exception.type == ELVES_RPC_EXCEPTION_UNKNOWN_METHOD ? ELVES_ERROR_NOT_FOUND
                                                                      : ELVES_ERROR_PROTOCOL,
                 "%s was answered with exception %d: %s", method_name, exception.type,
                 exception.message ? exception.message : "");
  g_free (exception.message);
  return FALSE;
}

gboolean
elves_rpc_read_answer (const guint8 *bytes,
                       gsize length,
                       ElvesRpcMethod method,
                       const Field *success,
                       gpointer out,
                       gint32 *out_seqid,
                       GError **error)
{
  Header header = { NULL };
  if (!read_header (bytes, length, &header, error))
    return FALSE;
  g_autofree char *name = header.name;
  *out_seqid = header.seqid;
  if (header.type == T_EXCEPTION)
    return fail_by_exception (elves_rpc_method_names[method], error);
  if (header.type == T_REPLY && g_str_equal (name, elves_rpc_method_names[method]))
    return read_wrapper (success, 1, out, error);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
               "%s was answered with a message of type %d of %s", elves_rpc_method_names[method],
               (int) header.type, name);
  return FALSE;
}

gboolean
elves_rpc_fail_by_no_result (ElvesRpcMethod method, GError **error)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "%s was answered without a result",
               elves_rpc_method_names[method]);
  return FALSE;
}

/**
 * elves_rpc_decode_text:
 * @method: the method that was called
 * @out_seqid: also set when the answer is an exception
 * @out_text: (transfer full): valid UTF-8
 *
 * Errors: %ELVES_ERROR_NOT_FOUND when the peer does not know the method; %ELVES_ERROR_PROTOCOL.
 */
gboolean
elves_rpc_decode_text (const guint8 *bytes,
                       gsize length,
                       ElvesRpcMethod method,
                       gint32 *out_seqid,
                       char **out_text,
                       GError **error)
{
  static const Field success = { 0, T_STRING, read_text };
  g_autofree char *text = NULL;
  if (!elves_rpc_read_answer (bytes, length, method, &success, &text, out_seqid, error))
    return FALSE;
  if (!text)
    return elves_rpc_fail_by_no_result (method, error);
  *out_text = g_steal_pointer (&text);
  return TRUE;
}

/**
 * elves_rpc_decode_reinstruct:
 * @method: the method that was called: instructionInvokeSync or cancel
 * @out_seqid: also set when the answer is an exception
 * @out_answer: (transfer full): the answer to it
 *
 * Errors: as elves_rpc_decode_text().
 */
gboolean
elves_rpc_decode_reinstruct (const guint8 *bytes,
                             gsize length,
                             ElvesRpcMethod method,
                             gint32 *out_seqid,
                             ElvesReinstruct **out_answer,
                             GError **error)
{
  static const Field success = { 0, T_STRUCT, read_reinstruct };
  g_autoptr (ElvesReinstruct) answer = NULL;
  if (!elves_rpc_read_answer (bytes, length, method, &success, &answer, out_seqid, error))
    return FALSE;
  if (!answer)
    return elves_rpc_fail_by_no_result (method, error);
  *out_answer = g_steal_pointer (&answer);
  return TRUE;
}

/**
 * elves_rpc_decode_list:
 * @out_seqid: also set when the answer is an exception
 * @out_answers: (transfer full) (element-type ElvesReinstruct): the answers to
 *   instructionInvokeAsync, possibly none
 *
 * Errors: as elves_rpc_decode_text().
 */
gboolean
elves_rpc_decode_list (const guint8 *bytes,
                       gsize length,
                       gint32 *out_seqid,
                       GPtrArray **out_answers,
                       GError **error)
{
  static const Field success = { 0, T_LIST, read_reinstruct_list };
  g_autoptr (GPtrArray) answers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
  if (!elves_rpc_read_answer (bytes, length, ELVES_RPC_INVOKE_ASYNC, &success, answers, out_seqid,
                              error))
    return FALSE;
  *out_answers = g_steal_pointer (&answers);
  return TRUE;
}

/**
 * elves_rpc_decode_texts:
 * @out_seqid: also set when the answer is an exception
 * @out_texts: (transfer full) (element-type utf8): the answers to dataTransportList, possibly none
 *
 * Errors: as elves_rpc_decode_text().
 */
gboolean
elves_rpc_decode_texts (const guint8 *bytes,
                        gsize length,
                        gint32 *out_seqid,
                        GPtrArray **out_texts,
                        GError **error)
{
  static const Field success = { 0, T_LIST, read_text_list };
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  if (!elves_rpc_read_answer (bytes, length, ELVES_RPC_TRANSPORT_LIST, &success, texts, out_seqid,
                              error))
    return FALSE;
  *out_texts = g_steal_pointer (&texts);
  return TRUE;
}

/**
 * elves_rpc_decode_answers:
 *
 * Errors: as elves_rpc_decode_text(); %ELVES_ERROR_PROTOCOL also for any other message.
 * Returns: (transfer full): a call of instructionAnswers; %NULL on error
 */
ElvesRpcRequest *
elves_rpc_decode_answers (const guint8 *bytes, gsize length, GError **error)
{
  const char *method = elves_rpc_method_names[ELVES_RPC_INVOKE_LIST];
  Header header = { NULL };
  if (!read_header (bytes, length, &header, error))
    return NULL;
  if (header.type != T_EXCEPTION && method_from_name (header.name) == ELVES_RPC_ANSWERS)
    return read_request (&header, error);
  g_autofree char *name = header.name;
  if (header.type == T_EXCEPTION)
    fail_by_exception (method, error);
  else
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "%s was answered with %s", method, name);
  return NULL;
}
