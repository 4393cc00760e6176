/* The head of a message: mqkey, mqtype, mqbody, and where the answer goes (elves-amqp.md sections 4
   and 10).

   The key's length tells the flat form from the others, mqtype these two from each other; the
   address of the answer follows from both and from the AMQP properties. Does not look at the
   content type and the routing key, nor at what is asked for. */
#include "common/message-head.h"

#include "common/error.h"
#include "common/json-writer.h"

#include <string.h>

/* mqkey and the ID in mqtype are routing keys, and AMQP has no longer ones. */
#define ROUTING_KEY_LIMIT_BYTES 255

/**
 * elves_message_head_clear:
 * @self: what elves_message_head_read() filled, or all zero
 */
void
elves_message_head_clear (ElvesMessageHead *self)
{
  g_free (self->from);
  g_free (self->to);
  g_free (self->action);
  g_free (self->correlation);
  elves_reply_address_clear (&self->reply);
  elves_json_object_free (self->message);
  elves_json_object_free (self->inner);
  g_free (self->inner_text);
  memset (self, 0, sizeof *self);
}

const ElvesJsonObject *
elves_message_head_fields (const ElvesMessageHead *self)
{
  return self->inner ? self->inner : self->message;
}

static gboolean
drop (GError **error, const char *why)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "Message structure error! %s", why);
  return FALSE;
}

/* The trimmed text of a head member, NULL if it is no string or too long. */
static char *
read_word (const ElvesJsonObject *message, const char *name)
{
  ElvesJsonValue value = elves_json_object_get (message, name);
  if (value.kind != ELVES_JSON_STRING)
    return NULL;
  g_autofree char *text = g_strstrip (elves_json_value_to_text (value));
  return strlen (text) <= ROUTING_KEY_LIMIT_BYTES ? g_steal_pointer (&text) : NULL;
}

static gboolean
read_key (ElvesMessageHead *self, GError **error)
{
  g_autofree char *key = read_word (self->message, "mqkey");
  if (!key)
    return drop (error, "no mqkey");
  g_auto (GStrv) words = g_strsplit (key, ".", 5);
  guint n_words = g_strv_length (words);
  if (n_words != 3 && n_words != 4)
    return drop (error, "mqkey must have 3 or 4 parts");
  for (guint i = 0; i < n_words; i++)
    if (*words[i] == '\0')
      return drop (error, "mqkey has an empty part");
  self->generation = n_words == 4 ? ELVES_GENERATION_FLAT : ELVES_GENERATION_REPLY_TO;
  self->from = g_steal_pointer (&words[0]);
  self->to = g_steal_pointer (&words[1]);
  self->action = g_steal_pointer (&words[2]);
  self->correlation = g_steal_pointer (&words[3]);
  return TRUE;
}

static gboolean
read_type (ElvesMessageHead *self, GError **error)
{
  g_autofree char *type = read_word (self->message, "mqtype");
  if (!type)
    return drop (error, "no mqtype");
  self->is_call = strcmp (type, "call") == 0;
  if (self->is_call || strcmp (type, "cast") == 0)
    return TRUE;
  const char *id = type + strlen ("call.");
  if (self->generation == ELVES_GENERATION_FLAT || !g_str_has_prefix (type, "call.") ||
      *id == '\0' || strchr (id, '.'))
    return drop (error, "mqtype must be call, cast or call.ID");
  self->generation = ELVES_GENERATION_CALL_ID;
  self->correlation = g_strdup (id);
  self->is_call = TRUE;
  return TRUE;
}

/* First match wins: reply_to, then the ID, then nobody. */
static void
read_address (ElvesMessageHead *self,
              const ElvesMessageRules *rules,
              const ElvesMessageProperties *properties)
{
  ElvesReplyAddress *reply = &self->reply;
  if (properties->reply_to && *properties->reply_to != '\0')
    {
      reply->exchange = g_strdup ("");
      reply->routing_key = g_strdup (properties->reply_to);
    }
  else if (self->correlation)
    {
      reply->exchange = g_strdup (rules->exchange);
      reply->routing_key = g_strdup (self->correlation);
      if (self->generation == ELVES_GENERATION_FLAT)
        reply->cc = g_strdup_printf ("%s.%s", self->to, self->from);
    }
  else
    return;
  reply->correlation_id = g_strdup (properties->correlation_id);
}

/* mqbody is an object, a string that holds one, or nothing. */
static gboolean
open_inner (ElvesMessageHead *self, GError **error)
{
  ElvesJsonValue body = elves_json_object_get (self->message, "mqbody");
  switch (body.kind)
    {
    case ELVES_JSON_ABSENT:
    case ELVES_JSON_NULL:
      self->inner = elves_json_object_parse ("{}", 2, error);
      break;
    case ELVES_JSON_OBJECT:
      self->inner = elves_json_object_parse (body.text, body.length, error);
      break;
    case ELVES_JSON_STRING:
      self->inner_text = elves_json_value_to_text (body);
      self->inner = elves_json_object_parse (self->inner_text, strlen (self->inner_text), error);
      break;
    default:
      return drop (error, "mqbody is not an object");
    }
  g_prefix_error (error, "Message structure error! mqbody: ");
  return self->inner != NULL;
}

static gboolean
read_message (ElvesMessageHead *self,
              const ElvesMessageRules *rules,
              const void *bytes,
              gsize length,
              GError **error)
{
  if (length == 0)
    return drop (error, "empty");
  if (length > rules->max_message_bytes)
    return drop (error, "too large");
  self->message = elves_json_object_parse (bytes, length, error);
  g_prefix_error (error, "Message structure error! ");
  return self->message != NULL;
}

/**
 * elves_message_head_read:
 * @self: all zero
 * @rules: what is configured
 * @properties: of the AMQP message
 * @bytes: its body; must outlive the head
 * @length: of @bytes
 *
 * Returns: whether it is a message of ours.
 * Errors: %ELVES_ERROR_INVALID.
 */
gboolean
elves_message_head_read (ElvesMessageHead *self,
                         const ElvesMessageRules *rules,
                         const ElvesMessageProperties *properties,
                         const void *bytes,
                         gsize length,
                         GError **error)
{
  if (!read_message (self, rules, bytes, length, error) || !read_key (self, error) ||
      !read_type (self, error))
    return FALSE;
  read_address (self, rules, properties);
  return self->generation == ELVES_GENERATION_FLAT || open_inner (self, error);
}

/**
 * elves_message_publication:
 * @rules: what is configured
 * @is_text: a cast, or a reply of the second generation: they say so
 * @body: (transfer full): JSON
 *
 * Returns: (transfer full): a publication that lacks its address.
 */
ElvesPublication *
elves_message_publication (const ElvesMessageRules *rules, gboolean is_text, GString *body)
{
  const char *type = is_text ? "text/plain" : "application/octet-stream";
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->content_type =
      g_strdup (rules->reply_content_type ? rules->reply_content_type : type);
  publication->content_encoding = g_strdup (is_text ? "UTF-8" : NULL);
  publication->body = elves_json_end (body);
  return publication;
}

/**
 * elves_message_reply:
 * @rules: what is configured
 * @generation: of the request
 * @reply: its address
 * @body: (transfer full): JSON
 *
 * Returns: (transfer full): @body on its way to @reply.
 */
ElvesPublication *
elves_message_reply (const ElvesMessageRules *rules,
                     ElvesGeneration generation,
                     const ElvesReplyAddress *reply,
                     GString *body)
{
  ElvesPublication *publication =
      elves_message_publication (rules, generation != ELVES_GENERATION_REPLY_TO, body);
  publication->exchange = g_strdup (reply->exchange);
  publication->routing_key = g_strdup (reply->routing_key);
  publication->cc = g_strdup (reply->cc);
  publication->correlation_id = g_strdup (reply->correlation_id);
  return publication;
}
