/* The spans of a zone, and the cache of the zones that were asked for. */

#include "common/zone.h"

#include "common/error.h"
#include "common/zone-private.h"

#include <string.h>

enum
{
  NAME_LIMIT = 64 /* bytes */
};

struct ElvesZone
{
  char *name;
  guint n_spans;
  ElvesZoneSpan spans[];
};

/* --- making a table -------------------------------------------------------------------------- */

/**
 * elves_zone_builder_init: (skip)
 * @self: not initialized
 */
void
elves_zone_builder_init (ElvesZoneBuilder *self)
{
  self->spans = g_array_new (FALSE, FALSE, sizeof (ElvesZoneSpan));
}

/**
 * elves_zone_builder_clear: (skip)
 * @self: a builder
 */
void
elves_zone_builder_clear (ElvesZoneBuilder *self)
{
  g_clear_pointer (&self->spans, g_array_unref);
}

/**
 * elves_zone_builder_add: (skip)
 * @self: a builder
 * @start_s: UTC
 * @offset_s: from then on
 */
void
elves_zone_builder_add (ElvesZoneBuilder *self, gint64 start_s, gint32 offset_s)
{
  ElvesZoneSpan span = { MAX (start_s, ELVES_ZONE_BEGIN_S), G_MININT64, offset_s };
  ElvesZoneSpan *last;

  if (span.start_s >= ELVES_ZONE_END_S)
    return;
  if (self->spans->len > 0)
    {
      last = &g_array_index (self->spans, ElvesZoneSpan, self->spans->len - 1);
      if (span.start_s <= last->start_s)
        {
          last->offset_s = offset_s; /* both before the table begins, or at once */
          return;
        }
      if (last->offset_s == offset_s)
        return; /* only its name or its daylight flag changed */
      span.fresh_s = MAX (last->fresh_s, span.start_s + last->offset_s);
    }
  g_array_append_val (self->spans, span);
}

static ElvesZone *
zone_new (const char *name, const ElvesZoneBuilder *builder)
{
  gsize size = builder->spans->len * sizeof (ElvesZoneSpan);
  ElvesZone *self = g_malloc (sizeof *self + size);

  self->name = g_strdup (name);
  self->n_spans = builder->spans->len;
  memcpy (self->spans, builder->spans->data, size);
  return self;
}

/* --- where it comes from --------------------------------------------------------------------- */

/* (nullable): no name that could be one of a zone; "right/" counts leap seconds. */
static char *
file_of (const char *name)
{
  const char *folder = g_getenv ("TZDIR");
  g_autofree char *file = NULL;

  if (strlen (name) > NAME_LIMIT || !g_ascii_isalpha (*name) || g_str_has_prefix (name, "right/"))
    return NULL;
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_+-/", *c) == NULL)
      return NULL;
  file = g_build_filename (folder != NULL ? folder : "/usr/share/zoneinfo", name, NULL);
  return g_file_test (file, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer (&file) : NULL;
}

static gboolean
read_named (const char *name, ElvesZoneBuilder *builder, GError **error)
{
  g_autofree char *file = file_of (name);
  g_autofree char *start = NULL;
  g_autofree char *shown = NULL;

  if (file != NULL)
    return elves_zone_file_read (file, builder, error);
  if (g_str_equal (name, "UTC"))
    return elves_zone_rule_apply ("UTC0", ELVES_ZONE_BEGIN_S, builder, error);
  start = g_strndup (name, NAME_LIMIT);
  shown = g_strescape (start, NULL);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
               "time zone \"%s\" is not known, expected an IANA name such as Europe/Berlin", shown);
  return FALSE;
}

/* As the C library does: TZ is a name, a file or a rule; without it /etc/localtime; else UTC. */
static void
read_local (ElvesZoneBuilder *builder)
{
  const char *text = g_getenv ("TZ");
  g_autofree char *file = NULL;

  if (text != NULL)
    text += *text == ':';
  file = text == NULL                ? g_strdup ("/etc/localtime")
         : g_path_is_absolute (text) ? g_strdup (text)
                                     : file_of (text);
  if (file != NULL ? elves_zone_file_read (file, builder, NULL)
                   : elves_zone_rule_apply (text, ELVES_ZONE_BEGIN_S, builder, NULL))
    return;
  g_array_set_size (builder->spans, 0);
  elves_zone_builder_add (builder, ELVES_ZONE_BEGIN_S, 0);
}

/* What people call it. */
static char *
local_name (void)
{
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();

  return g_strdup (g_time_zone_get_identifier (local));
}

/* --- the cache ------------------------------------------------------------------------------- */

static GMutex cache_lock;
static GHashTable *cache; /* name -> ElvesZone; "" is the process's own */

static const ElvesZone *
load (const char *name, GError **error)
{
  g_auto (ElvesZoneBuilder) builder = { NULL };
  g_autofree char *shown = *name != '\0' ? g_strdup (name) : local_name ();
  ElvesZone *zone;

  elves_zone_builder_init (&builder);
  if (*name == '\0')
    read_local (&builder);
  else if (!read_named (name, &builder, error))
    return NULL;
  zone = zone_new (shown, &builder);
  g_hash_table_insert (cache, g_strdup (name), zone);
  return zone;
}

/**
 * elves_zone_get:
 * @name: (nullable): IANA name; %NULL or "": the process's own zone
 * @error: return location
 *
 * Returns: (transfer none): the zone, for as long as the process lives.
 *
 * Errors: %ELVES_ERROR_INVALID when there is no such zone, one of GIO when its data cannot be read.
 */
const ElvesZone *
elves_zone_get (const char *name, GError **error)
{
  const ElvesZone *zone;

  g_mutex_lock (&cache_lock);
  if (cache == NULL)
    cache = g_hash_table_new (g_str_hash, g_str_equal);
  zone = g_hash_table_lookup (cache, name != NULL ? name : "");
  if (zone == NULL)
    zone = load (name != NULL ? name : "", error);
  g_mutex_unlock (&cache_lock);
  return zone;
}

/* --- asking ---------------------------------------------------------------------------------- */

/**
 * elves_zone_name:
 * @self: a zone
 *
 * Returns: its name; of the process's own what GLib calls it.
 */
const char *
elves_zone_name (const ElvesZone *self)
{
  return self->name;
}

/**
 * elves_zone_span:
 * @self: a zone
 * @index: from 0
 *
 * Returns: (nullable): that span; %NULL behind the last.
 */
const ElvesZoneSpan *
elves_zone_span (const ElvesZone *self, guint index)
{
  return index < self->n_spans ? &self->spans[index] : NULL;
}

/**
 * elves_zone_span_end:
 * @self: a zone
 * @index: of a span
 *
 * Returns: where the next one starts; %ELVES_ZONE_END_S for the last.
 */
gint64
elves_zone_span_end (const ElvesZone *self, guint index)
{
  return index + 1 < self->n_spans ? self->spans[index + 1].start_s : ELVES_ZONE_END_S;
}

/**
 * elves_zone_find:
 * @self: a zone
 * @utc_s: unix seconds
 *
 * Returns: the index of the span it is in; the nearest one for a time outside of the table.
 */
guint
elves_zone_find (const ElvesZone *self, gint64 utc_s)
{
  guint low = 0;
  guint high = self->n_spans;

  while (high - low > 1)
    {
      guint middle = low + (high - low) / 2;

      if (self->spans[middle].start_s <= utc_s)
        low = middle;
      else
        high = middle;
    }
  return low;
}
