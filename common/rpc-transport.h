/* A ThriftTransport over memory: generated code reads from a span of bytes and appends to a byte
   array. Never waits, never copies more than is asked for. Main thread only. */
#pragma once

#include <thrift/c_glib/transport/thrift_transport.h>

G_BEGIN_DECLS

typedef struct ElvesRpcTransport ElvesRpcTransport;

GType elves_rpc_transport_get_type (void);

ElvesRpcTransport *elves_rpc_transport_new (void);
/* Both stay the caller's and must live while the transport is used. */
void elves_rpc_transport_read_from (ElvesRpcTransport *self, const guint8 *bytes, gsize length);
void elves_rpc_transport_write_to (ElvesRpcTransport *self, GByteArray *out);
gsize elves_rpc_transport_remaining (ElvesRpcTransport *self); /* bytes not read yet */

G_END_DECLS
