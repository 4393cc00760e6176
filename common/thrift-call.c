/* One call to a server: what was asked, who asked, and its one answer.
 *
 * An answer frees the call, leaves at the end of the turn, and lets the connection's next call
 * come. When the connection has gone meanwhile, the answer is dropped. Main thread only. */
#include "common/thrift-server-private.h"

#include <netinet/in.h>

/**
 * elves_thrift_call_request:
 *
 * Returns: (transfer none): valid until the call is answered
 */
const ElvesRpcRequest *
elves_thrift_call_request (ElvesThriftCall *self)
{
  return self->request;
}

/**
 * elves_thrift_call_peer:
 * @self: a call
 *
 * Returns: (transfer full) (nullable): the address that it came from, IPv4 in its own form; %NULL
 * when the connection has gone
 */
GInetAddress *
elves_thrift_call_peer (ElvesThriftCall *self)
{
  if (self->connection == NULL)
    return NULL;
  const struct sockaddr_storage *peer = &self->connection->peer;
  if (peer->ss_family == AF_INET)
    return g_inet_address_new_from_bytes (
        (const guint8 *) &((const struct sockaddr_in *) peer)->sin_addr, G_SOCKET_FAMILY_IPV4);
  const struct in6_addr *address = &((const struct sockaddr_in6 *) peer)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED (address))
    return g_inet_address_new_from_bytes (address->s6_addr + 12, G_SOCKET_FAMILY_IPV4);
  return g_inet_address_new_from_bytes (address->s6_addr, G_SOCKET_FAMILY_IPV6);
}

static void
call_free (ElvesThriftCall *self)
{
  elves_rpc_request_free (self->request);
  g_free (self);
}

/* Where the answer goes; NULL: nowhere. */
static GByteArray *
answer_output (ElvesThriftCall *self)
{
  return self->connection ? elves_thrift_link_output (self->connection->link) : NULL;
}

/* The answer is complete: it leaves, and the next call may come. */
static void
call_end (ElvesThriftCall *self)
{
  if (self->connection)
    {
      self->connection->call = NULL;
      elves_thrift_link_flush (self->connection->link);
      elves_thrift_link_resume (self->connection->link);
    }
  call_free (self);
}

/**
 * elves_thrift_call_answer_text:
 * @self: (transfer full): the call
 */
void
elves_thrift_call_answer_text (ElvesThriftCall *self, const char *text)
{
  GByteArray *out = answer_output (self);
  if (out)
    elves_rpc_encode_answer_text (out, self->request, text);
  call_end (self);
}

/**
 * elves_thrift_call_answer_texts:
 * @self: (transfer full): the call
 * @texts: (array length=n_texts): any number
 */
void
elves_thrift_call_answer_texts (ElvesThriftCall *self, const char *const *texts, guint n_texts)
{
  GByteArray *out = answer_output (self);
  if (out)
    elves_rpc_encode_answer_texts (out, self->request, texts, n_texts);
  call_end (self);
}

/**
 * elves_thrift_call_answer_reinstruct:
 * @self: (transfer full): the call
 */
void
elves_thrift_call_answer_reinstruct (ElvesThriftCall *self, const ElvesReinstruct *answer)
{
  GByteArray *out = answer_output (self);
  if (out)
    elves_rpc_encode_answer_reinstruct (out, self->request, answer);
  call_end (self);
}

/**
 * elves_thrift_call_answer_output:
 * @self: (transfer full): the call
 */
void
elves_thrift_call_answer_output (ElvesThriftCall *self, const ElvesOutputChunk *chunk)
{
  GByteArray *out = answer_output (self);
  if (out)
    elves_rpc_encode_answer_output (out, self->request, chunk);
  call_end (self);
}

/**
 * elves_thrift_call_answer_list:
 * @self: (transfer full): the call
 * @answers: (element-type ElvesReinstruct): any number
 */
void
elves_thrift_call_answer_list (ElvesThriftCall *self, GPtrArray *answers)
{
  GByteArray *out = answer_output (self);
  if (out)
    elves_rpc_encode_answer_list (out, self->request, answers);
  call_end (self);
}

/**
 * elves_thrift_call_answer_exception:
 * @self: (transfer full): the call
 */
void
elves_thrift_call_answer_exception (ElvesThriftCall *self, ElvesRpcException type, const char *text)
{
  GByteArray *out = answer_output (self);
  if (out)
    elves_rpc_encode_answer_exception (out, self->request, type, text);
  call_end (self);
}

/**
 * elves_thrift_call_end:
 * @self: (transfer full): a call of a method that is one way
 */
void
elves_thrift_call_end (ElvesThriftCall *self)
{
  call_end (self);
}

/**
 * elves_thrift_call_drop:
 * @self: (transfer full): the call; its connection is closed without an answer
 */
void
elves_thrift_call_drop (ElvesThriftCall *self)
{
  ElvesThriftConnection *connection = self->connection;
  if (connection)
    {
      connection->call = NULL;
      elves_thrift_connection_free (connection);
    }
  call_free (self);
}
