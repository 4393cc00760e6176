#include "common/error.h"
#include "common/rpc-codec.h"
#include "common/thrift-scan.h"
#include "tests/lib/hex.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Made by an independent implementation (Python's thrift 0.17), field by field. */
#define INSTRUCT                                                                          \
  "0b 0001 00000010 '0123456789abcdef' 0b 0002 00000008 '10.0.0.7' 0b 0003 00000002 'rt'" \
  "0b 0004 00000002 'NP' 0b 0005 00000004 'demo' 0b 0006 00000003 'run'"                  \
  "0b 0007 00000007 '{\"a\":1}' 08 0008 0000001e 0b 0009 00000000 "
#define REINSTRUCT "0c 0001 " INSTRUCT "00 08 0003 00000001 08 0004 0000000c 0b 0005 00000002 'ok' "

#define SYNC "00000015 'instructionInvokeSync' 00000007 "
#define ASYNC "00000016 'instructionInvokeAsync' 00000007 "

static ElvesInstruct *
sample_instruct (void)
{
  ElvesInstruct *self = elves_instruct_new ();
  elves_instruct_set (&self->id, "0123456789abcdef");
  elves_instruct_set (&self->ip, "10.0.0.7");
  elves_instruct_set (&self->type, "rt");
  elves_instruct_set (&self->mode, "NP");
  elves_instruct_set (&self->app, "demo");
  elves_instruct_set (&self->func, "run");
  g_bytes_unref (self->param);
  self->param = g_bytes_new_static ("{\"a\":1}", 7);
  self->timeout_s = 30;
  return self;
}

static ElvesReinstruct *
sample_reinstruct (void)
{
  g_autoptr (ElvesInstruct) instruct = sample_instruct ();
  ElvesReinstruct *self = elves_reinstruct_new (instruct);
  self->flag = 1;
  self->cost_ms = 12;
  self->result = g_bytes_new_static ("ok", 2);
  return self;
}

static void
assert_bytes (const GByteArray *bytes, const char *hex)
{
  g_autoptr (GByteArray) expected = bytes_from_hex (hex);
  g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
}

static ElvesRpcRequest *
decode_hex (const char *hex)
{
  g_autoptr (GByteArray) bytes = bytes_from_hex (hex);
  g_autoptr (GError) error = NULL;
  ElvesRpcRequest *request = elves_rpc_decode_request (bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  return request;
}

static void
assert_sample (const ElvesInstruct *instruct)
{
  g_assert_cmpstr (instruct->id, ==, "0123456789abcdef");
  g_assert_cmpstr (instruct->ip, ==, "10.0.0.7");
  g_assert_cmpstr (instruct->type, ==, "rt");
  g_assert_cmpstr (instruct->mode, ==, "NP");
  g_assert_cmpstr (instruct->app, ==, "demo");
  g_assert_cmpstr (instruct->func, ==, "run");
  gsize length;
  gconstpointer param = g_bytes_get_data (instruct->param, &length);
  g_assert_cmpmem (param, length, "{\"a\":1}", 7);
  g_assert_cmpint (instruct->timeout_s, ==, 30);
  g_assert_cmpstr (instruct->proxy, ==, "");
  g_assert_null (instruct->execution);
  g_assert_null (instruct->origin);
  g_assert_cmpint (instruct->seen_within_s, ==, 0);
  g_assert_false (instruct->query_only);
  g_assert_false (instruct->held);
}

/* ---- Bytes out ---- */

static void
test_encode_calls (void)
{
  g_autoptr (ElvesInstruct) instruct = sample_instruct ();
  g_autoptr (ElvesReinstruct) result = sample_reinstruct ();
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_ptr_array_add (list, instruct);
  g_ptr_array_add (list, instruct);
  g_autoptr (GByteArray) out = g_byte_array_new ();

  elves_rpc_encode_alive_check (out, 258);
  assert_bytes (out, "80010001 0000000a 'aliveCheck' 00000102 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_invoke_sync (out, 7, instruct);
  assert_bytes (out, "80010001" SYNC "0c 0001" INSTRUCT "00 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_invoke_async (out, 7, list);
  assert_bytes (out, "80010001" ASYNC "0f 0001 0c 00000002" INSTRUCT "00" INSTRUCT "00 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_data_transport (out, 1, result);
  assert_bytes (out, "80010001 0000000d 'dataTransport' 00000001 0c 0001" REINSTRUCT "00 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_run_processor (out, 1, result);
  assert_bytes (out, "80010001 0000000c 'runProcessor' 00000001 0c 0001" REINSTRUCT "00 00");
}

/* Marks are written where the methods of lists have them; an answer names no more than its key. */
static void
test_encode_lists (void)
{
  g_autoptr (ElvesInstruct) instruct = sample_instruct ();
  instruct->execution = g_strdup ("e1");
  g_autoptr (ElvesReinstruct) result = sample_reinstruct ();
  g_autoptr (ElvesReinstruct) taken = elves_reinstruct_new (instruct);
  taken->state = 0;
  ElvesReinstruct *answers[] = { result, taken };
  const ElvesRpcMark marks[] = { { 5, TRUE }, { 6, FALSE } };
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_ptr_array_add (list, result->instruct);
  g_ptr_array_add (list, result->instruct);
  g_autoptr (GByteArray) out = g_byte_array_new ();

  elves_rpc_encode_invoke_list (out, list, marks);
  assert_bytes (out,
                "80010004 00000015 'instructionInvokeList' 00000000 0f 0001 0c 00000002" INSTRUCT
                "08 000e 00000005 02 000f 01 00" INSTRUCT "08 000e 00000006 00 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_answers (out, answers, marks, 2);
  assert_bytes (out, "80010004 00000012 'instructionAnswers' 00000000 0f 0001 0c 00000002"
                     "08 0003 00000001 08 0004 0000000c 0b 0005 00000002 'ok' 08 000d 00000005 00"
                     "0c 0001 0b 0001 00000000 0b 0002 00000000 0b 0003 00000000 0b 0004 00000000"
                     "0b 0005 00000000 0b 0006 00000000 0b 0007 00000000 08 0008 00000000"
                     "0b 0009 00000000 0b 000a 00000002 'e1' 00"
                     "08 0003 00000000 08 0004 00000000 0b 0005 00000000"
                     "08 0006 00000000 08 000d 00000006 00 00");
  g_byte_array_set_size (out, 0);
  g_ptr_array_set_size (list, 0);
  g_ptr_array_add (list, result);
  elves_rpc_encode_transport_list (out, 3, list);
  assert_bytes (out, "80010001 00000011 'dataTransportList' 00000003 0f 0001 0c 00000001" REINSTRUCT
                     "00 00");
  g_byte_array_set_size (out, 0);
  ElvesRpcRequest request = { .name = (char *) "m", .seqid = 1 };
  elves_rpc_encode_answer_texts (out, &request, (const char *[]){ "success", "no" }, 2);
  assert_bytes (out, "80010002 00000001 'm' 00000001 0f 0000 0b 00000002 00000007 'success'"
                     "00000002 'no' 00");
}

static void
test_decode_lists (void)
{
  g_autoptr (ElvesRpcRequest) asked =
      decode_hex ("80010004 00000015 'instructionInvokeList' 00000000 0f 0001 0c 00000002" INSTRUCT
                  "08 000e 00000005 02 000f 01 00" INSTRUCT "00 00");
  g_assert_cmpint (asked->method, ==, ELVES_RPC_INVOKE_LIST);
  g_assert_cmpuint (asked->instructs->len, ==, 2);
  g_assert_cmpuint (asked->marks->len, ==, 2);
  g_assert_cmpint (g_array_index (asked->marks, ElvesRpcMark, 0).call, ==, 5);
  g_assert_true (g_array_index (asked->marks, ElvesRpcMark, 0).wait);
  g_assert_cmpint (g_array_index (asked->marks, ElvesRpcMark, 1).call, ==, 0);
  g_assert_false (g_array_index (asked->marks, ElvesRpcMark, 1).wait);
  assert_sample (asked->instructs->pdata[1]);

  g_autoptr (GByteArray) bytes = bytes_from_hex (
      "80010004 00000012 'instructionAnswers' 00000000 0f 0001 0c 00000001 08 000d 00000007 00 00");
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesRpcRequest) answers = elves_rpc_decode_answers (bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answers->reinstructs->len, ==, 1);
  g_assert_cmpint (g_array_index (answers->marks, ElvesRpcMark, 0).call, ==, 7);

  g_autoptr (GByteArray) texts_bytes = bytes_from_hex (
      "80010002 00000011 'dataTransportList' 00000003 0f 0000 0b 00000001 00000007 'success' 00");
  g_autoptr (GPtrArray) texts = NULL;
  gint32 seqid;
  g_assert_true (
      elves_rpc_decode_texts (texts_bytes->data, texts_bytes->len, &seqid, &texts, &error));
  g_assert_cmpuint (texts->len, ==, 1);
  g_assert_cmpstr (texts->pdata[0], ==, "success");
}

static void
test_decode_no_answers (void)
{
  static const struct
  {
    const char *hex;
    int code;
  } cases[] = {
    { "80010003 00000015 'instructionInvokeList' 00000000 0b 0001 00000002 'no' 08 0002 00000001 "
      "00",
      ELVES_ERROR_NOT_FOUND },
    { "80010003 00000015 'instructionInvokeList' 00000000 0b 0001 00000002 'no' 08 0002 00000006 "
      "00",
      ELVES_ERROR_PROTOCOL },
    { "80010002 00000015 'instructionInvokeList' 00000000 00", ELVES_ERROR_PROTOCOL },
    { "80010004 00000012 'instructionAnswers' 00000000 0f 0001 0b 00000001 00000000 00",
      ELVES_ERROR_PROTOCOL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = bytes_from_hex (cases[i].hex);
      g_autoptr (GError) error = NULL;
      g_assert_null (elves_rpc_decode_answers (bytes->data, bytes->len, &error));
      g_assert_error (error, ELVES_ERROR, cases[i].code);
    }
}

static void
test_encode_answers (void)
{
  ElvesRpcRequest sync = { .name = (char *) "instructionInvokeSync", .seqid = 7 };
  ElvesRpcRequest async = { .name = (char *) "instructionInvokeAsync", .seqid = 7 };
  g_autoptr (ElvesReinstruct) result = sample_reinstruct ();
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_autoptr (GByteArray) out = g_byte_array_new ();

  elves_rpc_encode_answer_reinstruct (out, &sync, result);
  assert_bytes (out, "80010002" SYNC "0c 0000" REINSTRUCT "00 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_answer_list (out, &async, list);
  assert_bytes (out, "80010002" ASYNC "0f 0000 0c 00000000 00");
  g_byte_array_set_size (out, 0);
  g_ptr_array_add (list, result);
  elves_rpc_encode_answer_list (out, &async, list);
  assert_bytes (out, "80010002" ASYNC "0f 0000 0c 00000001" REINSTRUCT "00 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_answer_text (out, &sync, "success");
  assert_bytes (out, "80010002" SYNC "0b 0000 00000007 'success' 00");
  g_byte_array_set_size (out, 0);
  elves_rpc_encode_answer_exception (out, &sync, ELVES_RPC_EXCEPTION_UNKNOWN_METHOD, "no");
  assert_bytes (out, "80010003" SYNC "0b 0001 00000002 'no' 08 0002 00000001 00");
}

/* Only what is set, in the order of the IDL; a missing result is written as "". */
static void
test_encode_optional (void)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  instruct->execution = g_strdup ("e1");
  instruct->origin = g_strdup ("h:1");
  instruct->seen_within_s = 360;
  instruct->query_only = TRUE;
  instruct->held = TRUE;
  g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (instruct);
  result->state = 0;
  result->reason = ELVES_REASON_TIMEOUT;
  result->exit_status = 137;
  result->killed = 0;
  result->output_bytes = 5;
  result->truncated = TRUE;
  ElvesRpcRequest request = { .name = (char *) "m", .seqid = 1 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  elves_rpc_encode_answer_reinstruct (out, &request, result);
  assert_bytes (out, "80010002 00000001 'm' 00000001 0c 0000 0c 0001"
                     "0b 0001 00000000 0b 0002 00000000 0b 0003 00000000 0b 0004 00000000"
                     "0b 0005 00000000 0b 0006 00000000 0b 0007 00000000 08 0008 00000000"
                     "0b 0009 00000000 0b 000a 00000002 'e1' 0b 000b 00000003 'h:1'"
                     "08 000c 00000168 02 000d 01 02 0010 01 00"
                     "08 0003 00000000 08 0004 00000000 0b 0005 00000000"
                     "08 0006 00000000 0b 0007 00000007 'timeout' 08 0008 00000089 08 0009 00000000"
                     "0a 000a 0000000000000005 02 000b 01 00 00");
}

/* ---- Bytes in ---- */

static void
test_decode_requests (void)
{
  g_autoptr (ElvesRpcRequest) alive = decode_hex ("80010001 0000000a 'aliveCheck' 00000102 00");
  g_assert_cmpint (alive->method, ==, ELVES_RPC_ALIVE_CHECK);
  g_assert_cmpint (alive->seqid, ==, 258);

  g_autoptr (ElvesRpcRequest) old = decode_hex ("0000000a 'aliveCheck' 01 fffffffe 00");
  g_assert_cmpint (old->method, ==, ELVES_RPC_ALIVE_CHECK);
  g_assert_cmpint (old->seqid, ==, -2);

  g_autoptr (ElvesRpcRequest) oneway = decode_hex ("80010004" SYNC "0c 0001" INSTRUCT "00 00");
  g_assert_cmpint (oneway->method, ==, ELVES_RPC_INVOKE_SYNC);
  g_assert_cmpuint (oneway->instructs->len, ==, 1);
  assert_sample (oneway->instructs->pdata[0]);

  g_autoptr (ElvesRpcRequest) list =
      decode_hex ("80010001" ASYNC "0f 0001 0c 00000003" INSTRUCT "00 00" INSTRUCT "00 00");
  g_assert_cmpint (list->method, ==, ELVES_RPC_INVOKE_ASYNC);
  g_assert_cmpuint (list->instructs->len, ==, 3);
  assert_sample (list->instructs->pdata[2]);
  g_assert_cmpstr (((ElvesInstruct *) list->instructs->pdata[1])->id, ==, "");

  g_autoptr (ElvesRpcRequest) unknown =
      decode_hex ("80010001 00000002 'no' 00000001 08 0001 00000005 00");
  g_assert_cmpint (unknown->method, ==, ELVES_RPC_UNKNOWN);
  g_assert_cmpstr (unknown->name, ==, "no");
}

/* Fields that were not sent stay NULL; the first agents sent their id as a number. */
static void
test_decode_heartbeat (void)
{
  g_autoptr (ElvesRpcRequest) whole =
      decode_hex ("80010001 00000010 'heartbeatPackage' 00000007 0c 0001 0b 0001 00000002 'A1'"
                  "0b 0002 00000008 '10.0.0.7' 0b 0003 00000001 '2' 0b 0004 00000002 '{}' 00 00");
  g_autoptr (ElvesRpcRequest) old =
      decode_hex ("80010001 00000010 'heartbeatPackage' 00000007 0c 0001 08 0001 0000002a"
                  "0b 0002 00000008 '10.0.0.7' 08 0003 00000001 00 00");

  g_assert_cmpint (whole->method, ==, ELVES_RPC_HEARTBEAT_PACKAGE);
  g_assert_cmpstr (whole->agent.id, ==, "A1");
  g_assert_cmpstr (whole->agent.ip, ==, "10.0.0.7");
  g_assert_cmpstr (whole->agent.version, ==, "2");
  g_assert_cmpstr (whole->agent.apps, ==, "{}");
  g_assert_cmpstr (old->agent.id, ==, "42");
  g_assert_cmpstr (old->agent.ip, ==, "10.0.0.7");
  g_assert_null (old->agent.version);
  g_assert_null (old->agent.apps);
}

static void
test_decode_missing (void)
{
  g_autoptr (ElvesRpcRequest) sync = decode_hex ("80010001" SYNC "00");
  g_assert_cmpuint (sync->instructs->len, ==, 0);
  g_autoptr (ElvesRpcRequest) async = decode_hex ("80010001" ASYNC "00");
  g_assert_cmpuint (async->instructs->len, ==, 0);
  g_autoptr (ElvesRpcRequest) empty = decode_hex ("80010001" ASYNC "0f 0001 08 00000000 00");
  g_assert_cmpuint (empty->instructs->len, ==, 0);
  g_autoptr (ElvesRpcRequest) data = decode_hex ("80010001 0000000d 'dataTransport' 00000001 00");
  g_assert_cmpint (data->method, ==, ELVES_RPC_DATA_TRANSPORT);
  g_assert_null (data->reinstruct);
  g_autoptr (ElvesRpcRequest) bare =
      decode_hex ("80010001 0000000d 'dataTransport' 00000001 0c 0001 00 00");
  g_assert_nonnull (bare->reinstruct->instruct);
  g_assert_null (bare->reinstruct->result);
  g_assert_cmpint (bare->reinstruct->state, ==, ELVES_STATE_UNSET);
}

/* Field 2 does not exist, 99 neither; 3 and the id have another type; ins and the id come twice. */
static void
test_decode_odd_fields (void)
{
  g_autoptr (ElvesRpcRequest) request =
      decode_hex ("80010001 0000000c 'runProcessor' 00000001"
                  "0c 0001 0c 0001 0b 0001 00000005 'first' 0b 0001 00000002 'id'"
                  "08 0005 00000001 0b 0005 00000000 00"
                  "0b 0002 00000004 'junk' 0d 0063 0b0c 00000001 00000001 'k' 00"
                  "0b 0003 00000001 'x' 08 0004 00000009 0c 0001 08 0001 00000000 00"
                  "0b 0005 00000001 'a' 0b 0005 00000002 'bc' 00 00");
  g_assert_cmpint (request->method, ==, ELVES_RPC_RUN_PROCESSOR);
  const ElvesReinstruct *result = request->reinstruct;
  g_assert_cmpstr (result->instruct->id, ==, "id");
  g_assert_cmpstr (result->instruct->app, ==, "");
  g_assert_cmpint (result->flag, ==, 0);
  g_assert_cmpint (result->cost_ms, ==, 9);
  g_assert_cmpuint (g_bytes_get_size (result->result), ==, 2);
}

static void
test_decode_dirty_text (void)
{
  g_autoptr (ElvesRpcRequest) request =
      decode_hex ("80010001" SYNC "0c 0001 0b 0001 00000003 610062 0b 0005 00000002 ff41"
                  "0b 0007 00000003 6100ff 0b 000a 00000001 fe 00 00");
  const ElvesInstruct *instruct = request->instructs->pdata[0];
  g_assert_cmpstr (instruct->id, ==,
                   "a\xef\xbf\xbd"
                   "b");
  g_assert_cmpstr (instruct->app, ==,
                   "\xef\xbf\xbd"
                   "A");
  g_assert_cmpstr (instruct->execution, ==, "\xef\xbf\xbd");
  gsize length;
  gconstpointer param = g_bytes_get_data (instruct->param, &length);
  g_assert_cmpmem (param, length, "a\0\xff", 3);
}

/* What the scanner would not let through, and the one thing it does and we do not. */
static void
test_decode_refused (void)
{
  const char *const messages[] = {
    "",
    "8001",
    "80010001" SYNC,
    "80010001" SYNC "0c 0001 0b 0001 7fffffff 'x'",
    "80010001" SYNC "00 00",
    "80010001" ASYNC "0f 0001 08 00000002 00000000 00000000 00",
    "80010001" ASYNC "0f 0001 0c 00002710 00",
    "80010001" ASYNC "0f 0001 0c 7fffffff 00",
  };
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (GByteArray) bytes = bytes_from_hex (messages[i]);
      g_autoptr (GError) error = NULL;
      g_assert_null (elves_rpc_decode_request (bytes->data, bytes->len, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
    }
}

/* Every prefix of a message is refused without a leak. */
static void
test_decode_prefixes (void)
{
  g_autoptr (ElvesReinstruct) result = sample_reinstruct ();
  g_autoptr (GByteArray) out = g_byte_array_new ();
  elves_rpc_encode_data_transport (out, 1, result);
  for (guint length = 0; length < out->len; length++)
    {
      g_autofree guint8 *exact = g_memdup2 (out->data, length); /* so that ASan sees the end */
      g_autoptr (GError) error = NULL;
      g_assert_null (elves_rpc_decode_request (exact, length, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
    }
}

/* ---- Answers ---- */

typedef struct
{
  const char *name;
  const char *hex;
  int code; /* -1: none */
} Answer;

static const Answer text_answers[] = {
  { "success", "80010002 0000000a 'aliveCheck' 00000005 0b 0000 00000007 'success' 00", -1 },
  { "non-strict", "0000000a 'aliveCheck' 02 00000005 0b 0000 00000007 'success' 00", -1 },
  { "other-fields",
    "80010002 0000000a 'aliveCheck' 00000005 0b 0001 00000000 08 0000 00000000"
    "0b 0000 00000007 'success' 00",
    -1 },
  { "unknown-method",
    "80010003 0000000a 'aliveCheck' 00000005 0b 0001 00000002 'no' 08 0002 00000001 00",
    ELVES_ERROR_NOT_FOUND },
  { "internal-error",
    "80010003 0000000a 'aliveCheck' 00000005 0b 0001 00000002 ffff 08 0002 00000006 00",
    ELVES_ERROR_PROTOCOL },
  { "bare-exception", "80010003 0000000a 'aliveCheck' 00000005 00", ELVES_ERROR_PROTOCOL },
  { "no-result", "80010002 0000000a 'aliveCheck' 00000005 00", ELVES_ERROR_PROTOCOL },
  { "wrong-type", "80010002 0000000a 'aliveCheck' 00000005 08 0000 00000001 00",
    ELVES_ERROR_PROTOCOL },
  { "other-method", "80010002 00000003 'foo' 00000005 0b 0000 00000000 00", ELVES_ERROR_PROTOCOL },
  { "a-call", "80010001 0000000a 'aliveCheck' 00000005 00", ELVES_ERROR_PROTOCOL },
  { "cut", "80010002 0000000a 'aliveCheck' 00000005 0b 0000 00000007", ELVES_ERROR_PROTOCOL },
};

static void
test_text_answer (gconstpointer data)
{
  const Answer *test = data;
  g_autoptr (GByteArray) bytes = bytes_from_hex (test->hex);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gint32 seqid = 0;
  gboolean done =
      elves_rpc_decode_text (bytes->data, bytes->len, ELVES_RPC_ALIVE_CHECK, &seqid, &text, &error);
  g_assert_cmpint (seqid, ==, 5);
  g_assert_cmpint (done, ==, test->code == -1);
  if (done)
    g_assert_cmpstr (text, ==, "success");
  else
    g_assert_error (error, ELVES_ERROR, test->code);
  g_assert_true (!error || g_utf8_validate (error->message, -1, NULL));
}

static void
test_list_answers (void)
{
  gint32 seqid;
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GByteArray) bare = bytes_from_hex ("80010002" ASYNC "00");
  g_assert_true (elves_rpc_decode_list (bare->data, bare->len, &seqid, &none, NULL));
  g_assert_cmpuint (none->len, ==, 0);

  g_autoptr (GPtrArray) two = NULL;
  g_autoptr (GByteArray) bytes =
      bytes_from_hex ("80010002" ASYNC "0f 0000 0c 00000002" REINSTRUCT "00 00 00");
  g_assert_true (elves_rpc_decode_list (bytes->data, bytes->len, &seqid, &two, NULL));
  g_assert_cmpuint (two->len, ==, 2);
  assert_sample (((ElvesReinstruct *) two->pdata[0])->instruct);

  g_autoptr (GPtrArray) wrong = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) numbers =
      bytes_from_hex ("80010002" ASYNC "0f 0000 0a 00000001 0b00010b00010000 00");
  g_assert_false (elves_rpc_decode_list (numbers->data, numbers->len, &seqid, &wrong, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
  g_assert_null (wrong);
}

static ElvesReinstruct *
round_trip (const ElvesReinstruct *in)
{
  ElvesRpcRequest request = { .name = (char *) "instructionInvokeSync", .seqid = -1 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  elves_rpc_encode_answer_reinstruct (out, &request, in);

  g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&elves_thrift_default_limits);
  gsize taken = 0;
  g_assert_cmpint (elves_thrift_scan_feed (scan, out->data, out->len, &taken, NULL), ==,
                   ELVES_THRIFT_SCAN_DONE);
  g_assert_cmpuint (taken, ==, out->len);

  ElvesReinstruct *answer = NULL;
  gint32 seqid = 0;
  g_autoptr (GError) error = NULL;
  elves_rpc_decode_reinstruct (out->data, out->len, ELVES_RPC_INVOKE_SYNC, &seqid, &answer, &error);
  g_assert_no_error (error);
  g_assert_cmpint (seqid, ==, -1);
  return answer;
}

static void
test_round_trip (void)
{
  g_autoptr (ElvesReinstruct) in = sample_reinstruct ();
  in->flag = -1;
  in->state = 3;
  in->reason = ELVES_REASON_EXIT_STATUS;
  in->exit_status = 0;
  in->killed = 2;
  in->survivors = 3;
  in->output_bytes = G_GINT64_CONSTANT (1) << 40;
  in->truncated = TRUE;
  g_autoptr (ElvesReinstruct) out = round_trip (in);
  assert_sample (out->instruct);
  g_assert_cmpint (out->flag, ==, -1);
  g_assert_cmpint (out->cost_ms, ==, 12);
  g_assert_true (g_bytes_equal (in->result, out->result));
  g_assert_cmpint (out->state, ==, 3);
  g_assert_cmpint (out->reason, ==, ELVES_REASON_EXIT_STATUS);
  g_assert_cmpint (out->exit_status, ==, 0);
  g_assert_cmpint (out->killed, ==, 2);
  g_assert_cmpint (out->survivors, ==, 3);
  g_assert_cmpint (out->output_bytes, ==, in->output_bytes);
  g_assert_true (out->truncated);
}

static void
test_large_result (void)
{
  gsize length = 16 * 1024 * 1024;
  guint8 *data = g_malloc (length);
  for (gsize i = 0; i < length; i++)
    data[i] = i % 251;
  g_autoptr (ElvesReinstruct) in = sample_reinstruct ();
  g_bytes_unref (in->result);
  in->result = g_bytes_new_take (data, length);
  g_autoptr (ElvesReinstruct) out = round_trip (in);
  g_assert_true (g_bytes_equal (in->result, out->result));
}

static long
resident_kib (void)
{
  FILE *file = fopen ("/proc/self/statm", "re");
  long size, resident;
  g_assert_cmpint (fscanf (file, "%ld %ld", &size, &resident), ==, 2);
  fclose (file);
  return resident * sysconf (_SC_PAGESIZE) / 1024;
}

/* gcc says it by a macro, clang by a feature. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER
#endif

/* c_glib's generated objects leaked 48 bytes each: two a round, 9 MiB here. */
static void
test_no_growth (void)
{
#ifdef HAS_ADDRESS_SANITIZER /* keeps freed memory on purpose, and looks for leaks itself */
  const guint rounds = 5000;
#else
  const guint rounds = 100000;
#endif
  g_autoptr (ElvesReinstruct) in = sample_reinstruct ();
  for (guint i = 0; i < 2000; i++)
    elves_reinstruct_unref (round_trip (in));
  long before = resident_kib ();
  for (guint i = 0; i < rounds; i++)
    elves_reinstruct_unref (round_trip (in));
  long grown = resident_kib () - before;
  g_test_message ("%u rounds: %ld KiB", rounds, grown);
  if (rounds > 10000)
    g_assert_cmpint (grown, <, 1024);
}

/* ---- Running jobs ---- */

static void
test_cancel (void)
{
  g_autoptr (ElvesInstruct) instruct = sample_instruct ();
  g_autoptr (ElvesReinstruct) sent = sample_reinstruct (), answer = NULL;
  g_autoptr (GByteArray) call = g_byte_array_new (), reply = g_byte_array_new ();
  g_autoptr (ElvesRpcRequest) request = NULL;
  gint32 seqid;

  elves_rpc_encode_cancel (call, 7, instruct);
  request = elves_rpc_decode_request (call->data, call->len, NULL);
  g_assert_cmpint (request->method, ==, ELVES_RPC_CANCEL);
  assert_sample (request->instructs->pdata[0]);
  elves_rpc_encode_answer_reinstruct (reply, request, sent);
  g_assert_true (elves_rpc_decode_reinstruct (reply->data, reply->len, ELVES_RPC_CANCEL, &seqid,
                                              &answer, NULL));
  g_assert_cmpint (seqid, ==, 7);
  g_assert_cmpint (answer->flag, ==, 1);
  g_clear_pointer (&answer, elves_reinstruct_unref);
  g_assert_false (elves_rpc_decode_reinstruct (reply->data, reply->len, ELVES_RPC_INVOKE_SYNC,
                                               &seqid, &answer, NULL));
}

static void
test_read_output (void)
{
  g_autoptr (ElvesInstruct) instruct = sample_instruct ();
  g_autoptr (GByteArray) call = g_byte_array_new (), reply = g_byte_array_new ();
  g_autoptr (GBytes) data = g_bytes_new_static ("a\0\xff", 3);
  ElvesOutputChunk sent = { data, G_GINT64_CONSTANT (1) << 40, G_MAXINT64, TRUE };
  g_auto (ElvesOutputChunk) chunk = { 0 };
  g_autoptr (ElvesRpcRequest) request = NULL;
  gint32 seqid;

  elves_rpc_encode_read_output (call, 9, instruct, G_GINT64_CONSTANT (1) << 40, 65536);
  request = elves_rpc_decode_request (call->data, call->len, NULL);
  g_assert_cmpint (request->method, ==, ELVES_RPC_READ_OUTPUT);
  assert_sample (request->instructs->pdata[0]);
  g_assert_cmpint (request->offset, ==, G_GINT64_CONSTANT (1) << 40);
  g_assert_cmpint (request->limit, ==, 65536);

  elves_rpc_encode_answer_output (reply, request, &sent);
  g_assert_true (elves_rpc_decode_output (reply->data, reply->len, &seqid, &chunk, NULL));
  g_assert_cmpint (seqid, ==, 9);
  g_assert_true (g_bytes_equal (chunk.data, data));
  g_assert_cmpint (chunk.offset, ==, sent.offset);
  g_assert_cmpint (chunk.total, ==, sent.total);
  g_assert_true (chunk.ended);
  for (guint length = 0; length < reply->len; length++)
    {
      g_auto (ElvesOutputChunk) part = { 0 };
      g_assert_false (elves_rpc_decode_output (reply->data, length, &seqid, &part, NULL));
      g_assert_null (part.data);
    }
}

/* Made by an independent implementation. An empty chunk; a method the peer does not know; an answer
   without a result. */
static void
test_output_answers (void)
{
  static const struct
  {
    const char *hex;
    int code; /* -1: none */
  } cases[] = {
    { "80010002 0000000a 'readOutput' 00000001 0c 0000 0b 0001 00000000 0a 0002 0000000000000005 "
      "02 0003 00 0a 0004 0000000000000005 00 00",
      -1 },
    { "80010003 0000000a 'readOutput' 00000001 0b 0001 00000001 'x' 08 0002 00000001 00",
      ELVES_ERROR_NOT_FOUND },
    { "80010002 0000000a 'readOutput' 00000001 00", ELVES_ERROR_PROTOCOL },
    { "80010002 00000006 'cancel' 00000001 00", ELVES_ERROR_PROTOCOL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = bytes_from_hex (cases[i].hex);
      g_auto (ElvesOutputChunk) chunk = { 0 };
      g_autoptr (GError) error = NULL;
      gint32 seqid;

      elves_rpc_decode_output (bytes->data, bytes->len, &seqid, &chunk, &error);
      if (cases[i].code >= 0)
        {
          g_assert_error (error, ELVES_ERROR, cases[i].code);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpint (chunk.offset, ==, 5);
      g_assert_false (chunk.ended);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rpc-codec/encode/calls", test_encode_calls);
  g_test_add_func ("/rpc-codec/encode/answers", test_encode_answers);
  g_test_add_func ("/rpc-codec/encode/optional", test_encode_optional);
  g_test_add_func ("/rpc-codec/encode/lists", test_encode_lists);
  g_test_add_func ("/rpc-codec/decode/lists", test_decode_lists);
  g_test_add_func ("/rpc-codec/decode/no-answers", test_decode_no_answers);
  g_test_add_func ("/rpc-codec/decode/requests", test_decode_requests);
  g_test_add_func ("/rpc-codec/decode/heartbeat", test_decode_heartbeat);
  g_test_add_func ("/rpc-codec/decode/missing", test_decode_missing);
  g_test_add_func ("/rpc-codec/decode/odd-fields", test_decode_odd_fields);
  g_test_add_func ("/rpc-codec/decode/dirty-text", test_decode_dirty_text);
  g_test_add_func ("/rpc-codec/decode/refused", test_decode_refused);
  g_test_add_func ("/rpc-codec/decode/prefixes", test_decode_prefixes);
  for (guint i = 0; i < G_N_ELEMENTS (text_answers); i++)
    {
      g_autofree char *path = g_strconcat ("/rpc-codec/text/", text_answers[i].name, NULL);
      g_test_add_data_func (path, &text_answers[i], test_text_answer);
    }
  g_test_add_func ("/rpc-codec/list", test_list_answers);
  g_test_add_func ("/rpc-codec/round-trip", test_round_trip);
  g_test_add_func ("/rpc-codec/large-result", test_large_result);
  g_test_add_func ("/rpc-codec/no-growth", test_no_growth);
  g_test_add_func ("/rpc-codec/cancel", test_cancel);
  g_test_add_func ("/rpc-codec/read-output", test_read_output);
  g_test_add_func ("/rpc-codec/output-answers", test_output_answers);
  return g_test_run ();
}
