#include "client/tags.h"

#include <string.h>

#define ALL "*"
#define TAG_LIMIT_BYTES 255 /* of a routing key */

typedef struct
{
  ElvesConsumerHandler handler;
  ElvesConsumerSimpleHandler simple;
  gpointer user_data;
} Entry;

struct ElvesClientTags
{
  GHashTable *entries; /* char * -> Entry * */
};

ElvesClientTags *
elves_client_tags_new (void)
{
  ElvesClientTags *self = g_new0 (ElvesClientTags, 1);

  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
elves_client_tags_free (ElvesClientTags *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->entries);
  g_free (self);
}

static gboolean
is_tag (const char *text)
{
  return *text != '\0' && strlen (text) <= TAG_LIMIT_BYTES && g_utf8_validate (text, -1, NULL);
}

/* Trimmed, as RocketMQ does. */
static gboolean
split (char **tags, GError **error)
{
  for (char **tag = tags; *tag != NULL; tag++)
    if (!is_tag (g_strstrip (*tag)))
      {
        g_set_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_INVALID,
                     "tags: expected a tag of 1 to 255 bytes, several with || in between, or *");
        return FALSE;
      }
  return TRUE;
}

gboolean
elves_client_tags_add (ElvesClientTags *self,
                       const char *expression,
                       ElvesConsumerHandler handler,
                       ElvesConsumerSimpleHandler simple,
                       gpointer user_data,
                       GError **error)
{
  /* Of an empty text there is no part. */
  g_auto (GStrv) tags = g_strsplit (*expression != '\0' ? expression : " ", "||", -1);
  Entry entry = { handler, simple, user_data };

  if (!split (tags, error))
    return FALSE;
  for (char **tag = tags; *tag != NULL; tag++)
    g_hash_table_replace (self->entries, g_strdup (*tag), g_memdup2 (&entry, sizeof entry));
  return TRUE;
}

GStrv
elves_client_tags_bindings (const ElvesClientTags *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer tag;

  if (g_hash_table_contains (self->entries, ALL))
    {
      g_strv_builder_add (builder, "#");
      return g_strv_builder_end (builder);
    }
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, &tag, NULL))
    g_strv_builder_add (builder, tag);
  return g_strv_builder_end (builder);
}

static gboolean
call (const ElvesClientTags *self,
      const char *tag,
      const ElvesConsumerMessage *message,
      GError **error)
{
  const Entry *entry = g_hash_table_lookup (self->entries, tag);

  if (entry == NULL)
    return TRUE;
  if (entry->handler != NULL)
    return entry->handler (message, entry->user_data, error);
  entry->simple (message, entry->user_data);
  return TRUE;
}

gboolean
elves_client_tags_call (const ElvesClientTags *self,
                        const ElvesConsumerMessage *message,
                        GError **error)
{
  /* A task may be called "*". */
  if (strcmp (message->tag, ALL) != 0 && !call (self, message->tag, message, error))
    return FALSE;
  return call (self, ALL, message, error);
}
