/* RPC transport: memory dressed as a ThriftTransport.
 *
 * c_glib's own transports do not fit a main loop: the socket one blocks and makes a system call for
 * every number, the memory one moves all that is left at each read and ends at 1 MiB. This one is a
 * pointer into bytes that have come as a whole, and an array that grows.
 *
 * The protocol writes field by field, a few bytes at a time. They are gathered in a buffer that is
 * kept, and go to the array in one piece: an array made for one message would grow a dozen times.
 *
 * Before the protocol allocates for a length it asks checkReadBytesAvailable: here the answer is
 * exact, so that a length can never cost more memory than bytes have been sent. c_glib's limit on
 * a message (100 MiB by default) is not used; whoever delimits the message has a limit. */
#include "common/rpc-transport.h"

#include <string.h>

#define GATHERED_BYTES (64 * 1024)

struct ElvesRpcTransport
{
  ThriftTransport parent;
  const guint8 *bytes;
  gsize length;
  gsize position;
  GByteArray *out; /* (nullable) */
  guint8 *gathered;
  gsize n_gathered, capacity;
};

typedef struct
{
  ThriftTransportClass parent;
} ElvesRpcTransportClass;

G_DEFINE_TYPE (ElvesRpcTransport, elves_rpc_transport, THRIFT_TYPE_TRANSPORT)

static gboolean
transport_is_open (ThriftTransport *transport)
{
  return TRUE;
}

static gboolean
transport_succeed (ThriftTransport *transport, GError **error)
{
  return TRUE;
}

static gboolean
transport_check_available (ThriftTransport *transport, glong n_bytes, GError **error)
{
  ElvesRpcTransport *self = (ElvesRpcTransport *) transport;
  if (n_bytes >= 0 && (gsize) n_bytes <= self->length - self->position)
    return TRUE;
  g_set_error (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
               "%ld bytes wanted, %zu left", n_bytes, self->length - self->position);
  return FALSE;
}

static gint32
transport_read (ThriftTransport *transport, gpointer buffer, guint32 length, GError **error)
{
  ElvesRpcTransport *self = (ElvesRpcTransport *) transport;
  if (!transport_check_available (transport, length, error))
    return -1;
  if (length > 0) /* else either may be NULL */
    memcpy (buffer, self->bytes + self->position, length);
  self->position += length;
  return length;
}

static void
pass_on (ElvesRpcTransport *self)
{
  if (self->n_gathered > 0)
    g_byte_array_append (self->out, self->gathered, self->n_gathered);
  self->n_gathered = 0;
}

/* FALSE: it is larger than what is gathered, none of which is left. */
static gboolean
make_room (ElvesRpcTransport *self, gsize length)
{
  if (!self->gathered)
    {
      self->gathered = g_malloc (GATHERED_BYTES);
      self->capacity = GATHERED_BYTES;
    }
  if (length > self->capacity - self->n_gathered)
    pass_on (self);
  return length <= self->capacity;
}

static gboolean
transport_write (ThriftTransport *transport,
                 const gpointer buffer,
                 const guint32 length,
                 GError **error)
{
  ElvesRpcTransport *self = (ElvesRpcTransport *) transport;
  if (length > self->capacity - self->n_gathered && !make_room (self, length))
    {
      g_byte_array_append (self->out, buffer, length);
      return TRUE;
    }
  if (length > 0) /* else it may be NULL */
    memcpy (self->gathered + self->n_gathered, buffer, length);
  self->n_gathered += length;
  return TRUE;
}

/* The protocol tells how large a message is or was; nothing is kept. */
static gboolean
transport_ignore_size (ThriftTransport *transport, glong size, GError **error)
{
  return TRUE;
}

static void
elves_rpc_transport_class_init (ElvesRpcTransportClass *class)
{
  ThriftTransportClass *transport_class = &class->parent;
  transport_class->is_open = transport_is_open;
  transport_class->open = transport_succeed;
  transport_class->close = transport_succeed;
  transport_class->read = transport_read;
  transport_class->read_all = transport_read;
  transport_class->read_end = transport_succeed;
  transport_class->write = transport_write;
  transport_class->write_end = transport_succeed;
  transport_class->flush = transport_succeed;
  transport_class->checkReadBytesAvailable = transport_check_available;
  transport_class->updateKnownMessageSize = transport_ignore_size;
  transport_class->resetConsumedMessageSize = transport_ignore_size;
  transport_class->countConsumedMessageBytes = transport_ignore_size;
}

static void
elves_rpc_transport_init (ElvesRpcTransport *self)
{
}

/**
 * elves_rpc_transport_new:
 *
 * Returns: (transfer full): a transport with nothing to read and nowhere to write
 */
ElvesRpcTransport *
elves_rpc_transport_new (void)
{
  return g_object_new (elves_rpc_transport_get_type (), NULL);
}

/**
 * elves_rpc_transport_read_from:
 * @bytes: (array length=length): what is read next; not copied
 */
void
elves_rpc_transport_read_from (ElvesRpcTransport *self, const guint8 *bytes, gsize length)
{
  self->bytes = bytes;
  self->length = length;
  self->position = 0;
}

/**
 * elves_rpc_transport_write_to:
 * @out: (nullable): what is written is appended here, at the latest when the next place is named;
 *   no reference is taken
 */
void
elves_rpc_transport_write_to (ElvesRpcTransport *self, GByteArray *out)
{
  if (self->out)
    pass_on (self);
  self->out = out;
}

/**
 * elves_rpc_transport_remaining:
 *
 * Returns: the number of bytes that have not been read
 */
gsize
elves_rpc_transport_remaining (ElvesRpcTransport *self)
{
  return self->length - self->position;
}
