/* Any bytes as a Thrift connection, cut into any pieces (the first byte of the input decides how):
   the scan takes the same messages however they are cut, and the decoder survives and does not leak
   on whatever the scan lets through. */

#include "common/error.h"
#include "common/rpc-codec.h"
#include "common/thrift-scan.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const ElvesThriftLimits limits = { .message_bytes = 4096,
                                          .string_bytes = 2048,
                                          .list_items = 64,
                                          .depth = 16 };

static void
check_texts (const ElvesInstruct *instruct)
{
  g_assert_true (g_utf8_validate (instruct->id, -1, NULL));
  g_assert_true (g_utf8_validate (instruct->app, -1, NULL));
  g_assert_true (g_utf8_validate (instruct->func, -1, NULL));
  g_assert_nonnull (instruct->param);
}

static void
decode_request (const guint8 *bytes, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesRpcRequest) request = elves_rpc_decode_request (bytes, length, &error);
  g_assert_cmpint (request == NULL, ==, error != NULL);
  if (error)
    g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
  for (guint i = 0; request && i < request->instructs->len; i++)
    check_texts (request->instructs->pdata[i]);
  if (request && request->reinstruct)
    check_texts (request->reinstruct->instruct);
}

static void
decode_answers (const guint8 *bytes, gsize length)
{
  gint32 seqid;
  g_autofree char *text = NULL;
  g_autoptr (ElvesReinstruct) reinstruct = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) text_error = NULL, reinstruct_error = NULL, list_error = NULL;
  gboolean ok =
      elves_rpc_decode_text (bytes, length, ELVES_RPC_ALIVE_CHECK, &seqid, &text, &text_error);
  g_assert_cmpint (ok, ==, text_error == NULL);
  ok = elves_rpc_decode_reinstruct (bytes, length, ELVES_RPC_INVOKE_SYNC, &seqid, &reinstruct,
                                    &reinstruct_error);
  g_assert_cmpint (ok, ==, reinstruct_error == NULL);
  g_auto (ElvesOutputChunk) chunk = { 0 };
  elves_rpc_decode_output (bytes, length, &seqid, &chunk, NULL);
  ok = elves_rpc_decode_list (bytes, length, &seqid, &list, &list_error);
  g_assert_cmpint (ok, ==, list_error == NULL);
  g_assert_true (!text || g_utf8_validate (text, -1, NULL));
}

/* Its own block, so that a sanitizer sees a read behind the end. */
static void
decode (const guint8 *bytes, gsize length)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, length);
  decode_request (copy, length);
  decode_answers (copy, length);
}

/* Returns: where the last whole message ends. @cut: the seed of the sizes of the pieces; 0: whole
 */
static gsize
walk (const guint8 *data, gsize size, guint32 cut, gboolean decoding)
{
  g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&limits);
  gsize start = 0, position = 0;
  while (position < size)
    {
      g_autoptr (GError) error = NULL;
      gsize taken = 0, piece = size - position;
      cut = cut * 1103515245 + 12345 * (cut != 0);
      if (cut)
        piece = MIN (piece, 1 + (cut >> 16) % 23);
      ElvesThriftScanStatus status =
          elves_thrift_scan_feed (scan, data + position, piece, &taken, &error);
      g_assert_cmpint (status == ELVES_THRIFT_SCAN_BAD, ==, error != NULL);
      if (status == ELVES_THRIFT_SCAN_BAD)
        break;
      g_assert_cmpuint (taken, <=, piece);
      g_assert_true (status == ELVES_THRIFT_SCAN_DONE || taken == piece);
      position += taken;
      g_assert_cmpuint (position - start, <=, limits.message_bytes);
      if (status == ELVES_THRIFT_SCAN_MORE)
        continue;
      if (decoding)
        decode (data + start, position - start);
      start = position;
    }
  return start;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  gsize end = walk (data + 1, size - 1, 1 + data[0], TRUE);
  g_assert_cmpuint (walk (data + 1, size - 1, 0, FALSE), ==, end);
  return 0;
}
