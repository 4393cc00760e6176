/* The journal keeps what was said on the wire: the same code reads it, and fields that are added
   later need no other schema. */
#include "agent/journal-codec.h"

#include "common/rpc-codec.h"

/**
 * elves_journal_pack_instruct:
 *
 * Returns: (transfer full): the call as bytes
 */
GBytes *
elves_journal_pack_instruct (const ElvesInstruct *instruct)
{
  GByteArray *out = g_byte_array_new ();
  elves_rpc_encode_invoke_sync (out, 0, instruct);
  return g_byte_array_free_to_bytes (out);
}

/**
 * elves_journal_pack_result:
 *
 * Returns: (transfer full): the result as bytes
 */
GBytes *
elves_journal_pack_result (const ElvesReinstruct *result)
{
  GByteArray *out = g_byte_array_new ();
  elves_rpc_encode_data_transport (out, 0, result);
  return g_byte_array_free_to_bytes (out);
}

static ElvesRpcRequest *
unpack (GBytes *bytes)
{
  if (bytes == NULL)
    return NULL;
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  return elves_rpc_decode_request (data, length, NULL);
}

/**
 * elves_journal_unpack_instruct:
 * @bytes: (nullable): of elves_journal_pack_instruct()
 *
 * Returns: (transfer full) (nullable): the call
 */
ElvesInstruct *
elves_journal_unpack_instruct (GBytes *bytes)
{
  g_autoptr (ElvesRpcRequest) request = unpack (bytes);
  if (request == NULL || request->instructs == NULL || request->instructs->len != 1)
    return NULL;
  return elves_instruct_ref (request->instructs->pdata[0]);
}

/**
 * elves_journal_unpack_result:
 * @bytes: (nullable): of elves_journal_pack_result()
 *
 * Returns: (transfer full) (nullable): the result
 */
ElvesReinstruct *
elves_journal_unpack_result (GBytes *bytes)
{
  g_autoptr (ElvesRpcRequest) request = unpack (bytes);
  if (request == NULL || request->reinstruct == NULL)
    return NULL;
  return elves_reinstruct_ref (request->reinstruct);
}
