/* RPC codec, structs: Instruct and Reinstruct between the wire and our values.
 *
 * The generated code (idl/) reads and writes the fields; here its objects are filled and emptied.
 * All fields of the first interface are always written, also empty texts and zeros, because the
 * original peers do so and expect it; later, optional fields only when they are set.
 *
 * Texts that come in are made valid UTF-8; param and result stay as they are. Main thread only:
 * one object is kept for all writing, its fields are views of the value that is written. */
#include "common/rpc-codec-private.h"

#include "common/utf8.h"
#include "elves_rpc_elves_types.h"

#include <string.h>

static GByteArray
view_of_text (const char *text)
{
  return (GByteArray){ .data = (guint8 *) text, .len = strlen (text) };
}

static GByteArray
view_of_bytes (GBytes *bytes)
{
  gsize length = 0;
  gconstpointer data = bytes ? g_bytes_get_data (bytes, &length) : NULL;
  return (GByteArray){ .data = (guint8 *) data, .len = length };
}

static void
fill_instruct (ElvesRpcInstruct *out, const ElvesInstruct *in)
{
  const struct
  {
    GByteArray **field;
    const char *text; /* (nullable) */
  } texts[] = {
    { &out->id, in->id },         { &out->ip, in->ip },
    { &out->type, in->type },     { &out->mode, in->mode },
    { &out->app, in->app },       { &out->func, in->func },
    { &out->proxy, in->proxy },   { &out->execution, in->execution },
    { &out->origin, in->origin },
  };
  static GByteArray views[G_N_ELEMENTS (texts)], param_view;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      views[i] = view_of_text (texts[i].text ? texts[i].text : "");
      *texts[i].field = &views[i];
    }
  param_view = view_of_bytes (in->param);
  out->param = &param_view;
  out->timeout = in->timeout_s;
  out->__isset_execution = in->execution != NULL;
  out->__isset_origin = in->origin != NULL;
  out->seenWithin = in->seen_within_s;
  out->__isset_seenWithin = in->seen_within_s != 0;
  out->queryOnly = in->query_only;
  out->__isset_queryOnly = in->query_only;
  out->held = in->held;
  out->__isset_held = in->held;
  out->__isset_call = FALSE;
  out->__isset_wait = FALSE;
}

static void
fill_outcome (ElvesRpcReinstruct *out, const ElvesReinstruct *in)
{
  static GByteArray result_view, reason_view;

  out->flag = in->flag;
  out->costtime = in->cost_ms;
  result_view = view_of_bytes (in->result);
  out->result = &result_view;
  out->state = in->state;
  out->__isset_state = in->state != ELVES_STATE_UNSET;
  reason_view = view_of_text (elves_reason_text (in->reason));
  out->reason = &reason_view;
  out->__isset_reason = in->reason != ELVES_REASON_NONE;
  out->exitStatus = in->exit_status;
  out->__isset_exitStatus = in->exit_status != -1;
  out->killed = in->killed;
  out->__isset_killed = in->killed != -1;
  out->survivors = in->survivors;
  out->__isset_survivors = in->survivors != -1;
  out->outputBytes = in->output_bytes;
  out->__isset_outputBytes = in->output_bytes != -1;
  out->truncated = in->truncated;
  out->__isset_truncated = in->truncated;
  out->__isset_call = FALSE;
}

/* Shared by all that name none; never freed. */
static ElvesInstruct *
no_instruct (void)
{
  static ElvesInstruct *nothing;
  if (!nothing)
    nothing = elves_instruct_new ();
  return nothing;
}

/* The key is the agent's to give, when the job has none; all else the caller knows. */
static void
fill_key (ElvesRpcReinstruct *out, const ElvesReinstruct *in)
{
  out->__isset_ins = in->state != ELVES_STATE_UNSET && in->instruct->execution != NULL;
  if (!out->__isset_ins)
    return;
  ElvesInstruct key = *no_instruct ();
  key.execution = in->instruct->execution;
  fill_instruct (out->ins, &key);
}

/* Never freed: its fields are not its own. */
static ElvesRpcReinstruct *
writer (void)
{
  static ElvesRpcReinstruct *object;
  if (!object)
    object = g_object_new (ELVES_RPC_TYPE_REINSTRUCT, NULL);
  return object;
}

/**
 * elves_rpc_write_instruct:
 * @protocol: writes into memory, so that it cannot fail
 * @mark: (nullable): none is written
 */
void
elves_rpc_write_instruct (ThriftProtocol *protocol,
                          const ElvesInstruct *instruct,
                          const ElvesRpcMark *mark)
{
  ElvesRpcInstruct *object = writer ()->ins;
  fill_instruct (object, instruct);
  object->call = mark ? mark->call : 0;
  object->__isset_call = mark != NULL;
  object->wait = mark && mark->wait;
  object->__isset_wait = object->wait;
  thrift_struct_write (THRIFT_STRUCT (object), protocol, NULL);
}

/**
 * elves_rpc_write_reinstruct:
 * @protocol: writes into memory, so that it cannot fail
 */
void
elves_rpc_write_reinstruct (ThriftProtocol *protocol, const ElvesReinstruct *reinstruct)
{
  ElvesRpcReinstruct *object = writer ();
  fill_instruct (object->ins, reinstruct->instruct);
  object->__isset_ins = TRUE;
  fill_outcome (object, reinstruct);
  thrift_struct_write (THRIFT_STRUCT (object), protocol, NULL);
}

/**
 * elves_rpc_write_answer:
 * @protocol: writes into memory, so that it cannot fail
 *
 * As an item of instructionAnswers.
 */
void
elves_rpc_write_answer (ThriftProtocol *protocol,
                        const ElvesReinstruct *answer,
                        const ElvesRpcMark *mark)
{
  ElvesRpcReinstruct *object = writer ();
  fill_key (object, answer);
  fill_outcome (object, answer);
  object->call = mark->call;
  object->__isset_call = TRUE;
  thrift_struct_write (THRIFT_STRUCT (object), protocol, NULL);
}

/* @array: (nullable): not sent */
static char *
text_from_array (const GByteArray *array)
{
  if (!array)
    return NULL;
  const char *text = array->len ? (const char *) array->data : "";
  return elves_utf8_is_clean (text, array->len)
             ? g_strndup (text, array->len)
             : elves_utf8_clean (text, array->len, G_MAXSIZE, NULL);
}

/* A text that was not sent stays as it is. */
static void
take_text (char **field, const GByteArray *array)
{
  if (array && array->len > 0)
    elves_instruct_take (field, text_from_array (array));
}

static ElvesInstruct *
instruct_from_object (const ElvesRpcInstruct *in)
{
  ElvesInstruct *out = elves_instruct_new ();
  take_text (&out->id, in->id);
  take_text (&out->ip, in->ip);
  take_text (&out->type, in->type);
  take_text (&out->mode, in->mode);
  take_text (&out->app, in->app);
  take_text (&out->func, in->func);
  if (in->param && in->param->len > 0)
    {
      g_bytes_unref (out->param);
      out->param = g_bytes_new (in->param->data, in->param->len);
    }
  out->timeout_s = in->timeout;
  take_text (&out->proxy, in->proxy);
  out->execution = text_from_array (in->execution);
  out->origin = text_from_array (in->origin);
  out->seen_within_s = in->__isset_seenWithin ? in->seenWithin : 0;
  out->query_only = in->__isset_queryOnly && in->queryOnly;
  out->held = in->__isset_held && in->held;
  return out;
}

static ElvesReinstruct *
reinstruct_from_object (const ElvesRpcReinstruct *in)
{
  g_autoptr (ElvesInstruct) instruct =
      in->__isset_ins ? instruct_from_object (in->ins) : elves_instruct_ref (no_instruct ());
  ElvesReinstruct *out = elves_reinstruct_new (instruct);
  g_autofree char *reason = text_from_array (in->reason);
  out->flag = in->flag;
  out->cost_ms = in->costtime;
  out->result = in->result ? g_bytes_new (in->result->data, in->result->len) : NULL;
  out->state = in->__isset_state ? in->state : ELVES_STATE_UNSET;
  out->reason = elves_reason_from_text (reason);
  out->exit_status = in->__isset_exitStatus ? in->exitStatus : -1;
  out->killed = in->__isset_killed ? in->killed : -1;
  out->survivors = in->__isset_survivors ? in->survivors : -1;
  out->output_bytes = in->__isset_outputBytes ? in->outputBytes : -1;
  out->truncated = in->__isset_truncated && in->truncated;
  return out;
}

/**
 * elves_rpc_read_instruct:
 * @out_mark: (nullable): what it carries as an item of a list
 *
 * Unknown fields and fields of another type are skipped.
 *
 * Errors: those of Thrift.
 * Returns: (transfer full): the value; %NULL on error
 */
ElvesInstruct *
elves_rpc_read_instruct (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error)
{
  g_autoptr (GObject) object = g_object_new (ELVES_RPC_TYPE_INSTRUCT, NULL);
  if (thrift_struct_read ((ThriftStruct *) object, protocol, error) < 0)
    return NULL;
  const ElvesRpcInstruct *in = (ElvesRpcInstruct *) object;
  if (out_mark)
    *out_mark = (ElvesRpcMark){ .call = in->__isset_call ? in->call : 0,
                                .wait = in->__isset_wait && in->wait };
  return instruct_from_object (in);
}

/**
 * elves_rpc_read_reinstruct:
 *
 * As elves_rpc_read_instruct().
 *
 * Errors: those of Thrift.
 * Returns: (transfer full): the value; %NULL on error
 */
ElvesReinstruct *
elves_rpc_read_reinstruct (ThriftProtocol *protocol, ElvesRpcMark *out_mark, GError **error)
{
  g_autoptr (GObject) object = g_object_new (ELVES_RPC_TYPE_REINSTRUCT, NULL);
  if (thrift_struct_read ((ThriftStruct *) object, protocol, error) < 0)
    return NULL;
  const ElvesRpcReinstruct *in = (ElvesRpcReinstruct *) object;
  if (out_mark)
    *out_mark = (ElvesRpcMark){ .call = in->__isset_call ? in->call : 0 };
  return reinstruct_from_object (in);
}
