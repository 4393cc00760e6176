/* What a message carries beside its body: standard properties, the CC of a reply, and the headers
 * of our own (common/names.h), which a scheduler sets when it publishes a message again.
 *
 * Promises: a header of another type or length than ours counts as not there; others' headers are
 * not looked at. */
#include "common/amqp-properties.h"

#include "common/amqp-frames.h"
#include "common/names.h"

#include <string.h>

static gboolean
is_short (const char *text)
{
  return text == NULL || strlen (text) <= ELVES_AMQP_SHORT_STRING_MAX;
}

static gboolean
can_be_published (const ElvesPublication *publication)
{
  return is_short (publication->exchange) && is_short (publication->routing_key) &&
         is_short (publication->cc) && is_short (publication->content_type) &&
         is_short (publication->content_encoding) && is_short (publication->correlation_id) &&
         is_short (publication->reply_to) && is_short (publication->message_id) &&
         is_short (publication->execution) && is_short (publication->task);
}

static void
set_text (amqp_basic_properties_t *properties,
          amqp_flags_t flag,
          amqp_bytes_t *field,
          const char *text)
{
  if (text == NULL)
    return;
  properties->_flags |= flag;
  *field = amqp_cstring_bytes (text);
}

static amqp_field_value_t *
add_header (ElvesAmqpProperties *self, const char *name)
{
  amqp_basic_properties_t *properties = &self->properties;
  amqp_table_entry_t *entry = &self->headers[properties->headers.num_entries++];

  properties->_flags |= AMQP_BASIC_HEADERS_FLAG;
  properties->headers.entries = self->headers;
  entry->key = amqp_cstring_bytes (name);
  return &entry->value;
}

static void
set_headers (ElvesAmqpProperties *self, const ElvesPublication *publication)
{
  amqp_field_value_t *value;

  if (publication->cc != NULL)
    {
      self->cc.kind = AMQP_FIELD_KIND_UTF8;
      self->cc.value.bytes = amqp_cstring_bytes (publication->cc);
      value = add_header (self, "CC");
      value->kind = AMQP_FIELD_KIND_ARRAY;
      value->value.array.num_entries = 1;
      value->value.array.entries = &self->cc;
    }
  if (publication->execution != NULL)
    {
      value = add_header (self, ELVES_HEADER_EXECUTION);
      value->kind = AMQP_FIELD_KIND_UTF8;
      value->value.bytes = amqp_cstring_bytes (publication->execution);
    }
  if (publication->task != NULL)
    {
      value = add_header (self, ELVES_HEADER_TASK);
      value->kind = AMQP_FIELD_KIND_UTF8;
      value->value.bytes = amqp_cstring_bytes (publication->task);
      value = add_header (self, ELVES_HEADER_PLANNED);
      value->kind = AMQP_FIELD_KIND_I64;
      value->value.i64 = publication->planned_s;
    }
  if (publication->is_again)
    {
      value = add_header (self, ELVES_HEADER_ATTEMPTS);
      value->kind = AMQP_FIELD_KIND_I64;
      value->value.i64 = publication->attempts;
    }
}

/**
 * elves_amqp_properties_set:
 * @self: (out caller-allocates): points into @publication
 * @persistent: whether the broker keeps the message on disk
 *
 * Returns: %FALSE when AMQP has no form for it.
 */
gboolean
elves_amqp_properties_set (ElvesAmqpProperties *self,
                           const ElvesPublication *publication,
                           gboolean persistent)
{
  amqp_basic_properties_t *properties = &self->properties;

  if (!can_be_published (publication))
    return FALSE;

  memset (self, 0, sizeof *self);
  properties->_flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG;
  properties->delivery_mode = persistent || publication->is_again ? 2 : 1;
  set_text (properties, AMQP_BASIC_CONTENT_TYPE_FLAG, &properties->content_type,
            publication->content_type);
  set_text (properties, AMQP_BASIC_CONTENT_ENCODING_FLAG, &properties->content_encoding,
            publication->content_encoding);
  set_text (properties, AMQP_BASIC_CORRELATION_ID_FLAG, &properties->correlation_id,
            publication->correlation_id);
  set_text (properties, AMQP_BASIC_REPLY_TO_FLAG, &properties->reply_to, publication->reply_to);
  set_text (properties, AMQP_BASIC_MESSAGE_ID_FLAG, &properties->message_id,
            publication->message_id);
  if (publication->expiration_ms > 0)
    {
      g_snprintf (self->expiration, sizeof self->expiration, "%u", publication->expiration_ms);
      set_text (properties, AMQP_BASIC_EXPIRATION_FLAG, &properties->expiration, self->expiration);
    }
  set_headers (self, publication);
  return TRUE;
}

static char *
copy_if (const amqp_basic_properties_t *properties, amqp_flags_t flag, amqp_bytes_t text)
{
  return (properties->_flags & flag) != 0 ? g_strndup (text.bytes, text.len) : NULL;
}

static gboolean
is_named (const amqp_table_entry_t *entry, const char *name)
{
  return entry->key.len == strlen (name) && memcmp (entry->key.bytes, name, entry->key.len) == 0;
}

static void
read_execution (const amqp_field_value_t *value, ElvesDelivery *delivery)
{
  amqp_bytes_t text = value->value.bytes;

  if (value->kind == AMQP_FIELD_KIND_UTF8 && text.len > 0 &&
      text.len <= ELVES_AMQP_SHORT_STRING_MAX &&
      g_utf8_validate (text.bytes, (gssize) text.len, NULL))
    {
      g_free (delivery->execution);
      delivery->execution = g_strndup (text.bytes, text.len);
    }
}

/* Other clients write small numbers in smaller types. */
static void
read_attempts (const amqp_field_value_t *value, ElvesDelivery *delivery)
{
  gint64 attempts = value->kind == AMQP_FIELD_KIND_I64   ? value->value.i64
                    : value->kind == AMQP_FIELD_KIND_I32 ? value->value.i32
                                                         : -1;

  if (attempts < 0)
    return;
  delivery->is_again = TRUE;
  delivery->attempts = (guint) MIN (attempts, G_MAXUINT - 1);
}

/**
 * elves_amqp_properties_read:
 * @properties: of a message
 * @delivery: gets copies of what is known here
 */
void
elves_amqp_properties_read (const amqp_basic_properties_t *properties, ElvesDelivery *delivery)
{
  delivery->is_transient =
      (properties->_flags & AMQP_BASIC_DELIVERY_MODE_FLAG) == 0 || properties->delivery_mode != 2;
  delivery->reply_to = copy_if (properties, AMQP_BASIC_REPLY_TO_FLAG, properties->reply_to);
  delivery->correlation_id =
      copy_if (properties, AMQP_BASIC_CORRELATION_ID_FLAG, properties->correlation_id);
  delivery->message_id = copy_if (properties, AMQP_BASIC_MESSAGE_ID_FLAG, properties->message_id);
  delivery->content_type =
      copy_if (properties, AMQP_BASIC_CONTENT_TYPE_FLAG, properties->content_type);
  delivery->content_encoding =
      copy_if (properties, AMQP_BASIC_CONTENT_ENCODING_FLAG, properties->content_encoding);
  if ((properties->_flags & AMQP_BASIC_HEADERS_FLAG) == 0)
    return;

  for (int i = 0; i < properties->headers.num_entries; i++)
    {
      const amqp_table_entry_t *entry = &properties->headers.entries[i];

      if (is_named (entry, ELVES_HEADER_EXECUTION))
        read_execution (&entry->value, delivery);
      else if (is_named (entry, ELVES_HEADER_ATTEMPTS))
        read_attempts (&entry->value, delivery);
    }
}
