#include "client/item.h"

#include <string.h>

#define RETRIES_MAX 1000000
#define ERROR_LIMIT_BYTES 1024

static gboolean
is_named (amqp_bytes_t name, const char *wanted)
{
  return name.len == strlen (wanted) && memcmp (name.bytes, wanted, name.len) == 0;
}

static const amqp_field_value_t *
header (const ElvesClientItem *self, const char *name)
{
  const amqp_basic_properties_t *properties = &self->envelope.message.properties;

  if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG))
    return NULL;
  for (int i = 0; i < properties->headers.num_entries; i++)
    if (is_named (properties->headers.entries[i].key, name))
      return &properties->headers.entries[i].value;
  return NULL;
}

/* (transfer full): UTF-8, whatever came. */
static char *
to_text (amqp_bytes_t bytes)
{
  return g_utf8_make_valid (bytes.len > 0 ? bytes.bytes : "", (gssize) bytes.len);
}

static char *
text_header (const ElvesClientItem *self, const char *name)
{
  const amqp_field_value_t *value = header (self, name);

  if (value == NULL ||
      (value->kind != AMQP_FIELD_KIND_UTF8 && value->kind != AMQP_FIELD_KIND_BYTES))
    return g_strdup ("");
  return to_text (value->value.bytes);
}

static guint
number_header (const ElvesClientItem *self, const char *name)
{
  const amqp_field_value_t *value = header (self, name);
  gint64 number = 0;

  if (value != NULL && value->kind == AMQP_FIELD_KIND_I32)
    number = value->value.i32;
  else if (value != NULL && value->kind == AMQP_FIELD_KIND_I64)
    number = value->value.i64;
  return (guint) CLAMP (number, 0, RETRIES_MAX);
}

/* What waited comes by the default exchange, with the name of the queue as its routing key. */
static void
read_route (ElvesClientItem *self)
{
  gboolean is_again = self->envelope.exchange.len == 0;

  self->message.tag =
      is_again ? text_header (self, ELVES_CLIENT_TAG_HEADER) : to_text (self->envelope.routing_key);
  self->message.retries = is_again ? number_header (self, ELVES_CLIENT_RETRIES_HEADER) : 0;
}

static void
read_body (ElvesClientItem *self)
{
  amqp_bytes_t body = self->envelope.message.body;
  char *data = g_malloc (body.len + 1);

  if (body.len > 0)
    memcpy (data, body.bytes, body.len);
  data[body.len] = '\0';
  self->message.data = data;
  self->message.length = body.len;
}

ElvesClientItem *
elves_client_item_new (const amqp_envelope_t *envelope, guint epoch)
{
  ElvesClientItem *self = g_new0 (ElvesClientItem, 1);
  const amqp_basic_properties_t *properties = &envelope->message.properties;

  self->epoch = epoch;
  self->delivery_tag = envelope->delivery_tag;
  self->envelope = *envelope;
  read_route (self);
  read_body (self);
  self->message.task_id = g_strstrip (text_header (self, ELVES_CLIENT_TASK_HEADER));
  self->message.message_id = properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG
                                 ? to_text (properties->message_id)
                                 : g_strdup ("");
  return self;
}

void
elves_client_item_free (ElvesClientItem *self)
{
  if (self == NULL || self->is_end)
    return;
  amqp_destroy_envelope (&self->envelope);
  g_free ((char *) self->message.tag);
  g_free ((char *) self->message.data);
  g_free ((char *) self->message.task_id);
  g_free ((char *) self->message.message_id);
  g_free (self->error_text);
  g_free (self);
}

/* ---- once more ------------------------------------------------------------------------------ */

guint
elves_client_item_headers_max (const ElvesClientItem *self)
{
  const amqp_basic_properties_t *properties = &self->envelope.message.properties;
  gboolean has_any = (properties->_flags & AMQP_BASIC_HEADERS_FLAG) != 0;

  return (has_any ? (guint) properties->headers.num_entries : 0) + 3;
}

/* Ours are written anew; those of the broker would grow with each time. */
static gboolean
is_kept (amqp_bytes_t name)
{
  return !is_named (name, ELVES_CLIENT_TAG_HEADER) &&
         !is_named (name, ELVES_CLIENT_RETRIES_HEADER) &&
         !is_named (name, ELVES_CLIENT_ERROR_HEADER) &&
         !(name.len > 2 && memcmp (name.bytes, "x-", 2) == 0);
}

static amqp_table_entry_t
text_entry (const char *name, const char *text)
{
  amqp_bytes_t bytes = { MIN (strlen (text), ERROR_LIMIT_BYTES), (void *) text };

  return (amqp_table_entry_t){ amqp_cstring_bytes (name),
                               { AMQP_FIELD_KIND_UTF8, { .bytes = bytes } } };
}

static int
fill_headers (const ElvesClientItem *self, amqp_table_entry_t *entries)
{
  const amqp_basic_properties_t *old = &self->envelope.message.properties;
  int n = 0;

  for (int i = 0; old->_flags & AMQP_BASIC_HEADERS_FLAG && i < old->headers.num_entries; i++)
    if (is_kept (old->headers.entries[i].key))
      entries[n++] = old->headers.entries[i];
  entries[n++] = text_entry (ELVES_CLIENT_TAG_HEADER, self->message.tag);
  if (self->error_text != NULL)
    entries[n++] = text_entry (ELVES_CLIENT_ERROR_HEADER, self->error_text);
  entries[n++] =
      (amqp_table_entry_t){ amqp_cstring_bytes (ELVES_CLIENT_RETRIES_HEADER),
                            { AMQP_FIELD_KIND_I32,
                              { .i32 = (gint32) MIN (self->message.retries + 1, RETRIES_MAX) } } };
  return n;
}

void
elves_client_item_properties (const ElvesClientItem *self,
                              amqp_basic_properties_t *out_properties,
                              amqp_table_entry_t *entries)
{
  *out_properties = self->envelope.message.properties;
  out_properties->headers.num_entries = fill_headers (self, entries);
  out_properties->headers.entries = entries;
  out_properties->delivery_mode = 2;
  out_properties->_flags |= AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
  /* The broker checks the one against who publishes; the other would end the waiting early. */
  out_properties->_flags &= ~(amqp_flags_t) (AMQP_BASIC_USER_ID_FLAG | AMQP_BASIC_EXPIRATION_FLAG);
}
