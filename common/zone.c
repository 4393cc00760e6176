/* Where the table comes from: GTimeZone, which reads the system's time-zone data, its rule for the
   years to come included. It has no call for "when is the next change?" and walks all its intervals
   for each question, so it is asked by bisection, once per zone, and let go. */

#include "common/zone.h"

#include "common/civil.h"
#include "common/error.h"

#include <string.h>

enum
{
  NAME_LIMIT = 64, /* bytes */
  FIRST_STEP_S = 28 * ELVES_CIVIL_DAY_S
};

struct ElvesZone
{
  char *name;
  guint n_spans;
  ElvesZoneSpan spans[];
};

/* --- making a table -------------------------------------------------------------------------- */

static gint
interval_at (GTimeZone *zone, gint64 utc_s)
{
  return g_time_zone_find_interval (zone, G_TIME_TYPE_UNIVERSAL, utc_s);
}

/* The first second of the next interval; the table's end when there is none before it. */
static gint64
interval_end (GTimeZone *zone, gint64 inside_s)
{
  gint interval = interval_at (zone, inside_s);
  gint64 low = inside_s;
  gint64 step = FIRST_STEP_S;
  gint64 high;

  while ((high = low + step) < ELVES_ZONE_END_S && interval_at (zone, high) == interval)
    {
      low = high;
      step *= 2;
    }
  high = MIN (high, ELVES_ZONE_END_S);
  if (interval_at (zone, high) == interval)
    return ELVES_ZONE_END_S;
  while (high - low > 1)
    {
      gint64 middle = low + (high - low) / 2;

      if (interval_at (zone, middle) == interval)
        low = middle;
      else
        high = middle;
    }
  return high;
}

static void
append_span (GArray *spans, gint64 start_s, gint32 offset_s)
{
  ElvesZoneSpan span = { start_s, G_MININT64, offset_s };

  if (spans->len > 0)
    {
      const ElvesZoneSpan *before = &g_array_index (spans, ElvesZoneSpan, spans->len - 1);

      if (before->offset_s == offset_s)
        return; /* only its name or its daylight flag changed */
      span.fresh_s = MAX (before->fresh_s, start_s + before->offset_s);
    }
  g_array_append_val (spans, span);
}

static ElvesZone *
zone_new (const char *name, GTimeZone *source)
{
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (ElvesZoneSpan));
  ElvesZone *self;
  gint64 next;

  for (gint64 at = ELVES_ZONE_BEGIN_S; at < ELVES_ZONE_END_S; at = next)
    {
      append_span (spans, at, g_time_zone_get_offset (source, interval_at (source, at)));
      next = interval_end (source, at);
    }
  self = g_malloc (sizeof *self + spans->len * sizeof (ElvesZoneSpan));
  self->name = g_strdup (name);
  self->n_spans = spans->len;
  memcpy (self->spans, spans->data, spans->len * sizeof (ElvesZoneSpan));
  return self;
}

/* --- the cache ------------------------------------------------------------------------------- */

/* GTimeZone would take a path, a POSIX rule ("CET-1CEST") and an offset ("+01:00"), too; "right/"
   counts leap seconds. */
static gboolean
is_iana_name (const char *name)
{
  const char *folder = g_getenv ("TZDIR");
  g_autofree char *file = NULL;

  if (strlen (name) > NAME_LIMIT || !g_ascii_isalpha (*name) || g_str_has_prefix (name, "right/"))
    return FALSE;
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_+-/", *c) == NULL)
      return FALSE;
  file = g_build_filename (folder != NULL ? folder : "/usr/share/zoneinfo", name, NULL);
  return g_str_equal (name, "UTC") || g_file_test (file, G_FILE_TEST_IS_REGULAR);
}

static GTimeZone *
open_source (const char *name, GError **error)
{
  GTimeZone *source = NULL;

  if (*name == '\0')
    return g_time_zone_new_local ();
  if (is_iana_name (name))
    source = g_time_zone_new_identifier (name);
  if (source == NULL)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                 "time zone \"%.*s\" is not known, expected an IANA name such as Europe/Berlin",
                 NAME_LIMIT, name);
  return source;
}

static GMutex cache_lock;
static GHashTable *cache; /* name -> ElvesZone; "" is the process's own */

static const ElvesZone *
load (const char *name, GError **error)
{
  g_autoptr (GTimeZone) source = open_source (name, error);
  ElvesZone *zone;

  if (source == NULL)
    return NULL;
  zone = zone_new (*name != '\0' ? name : g_time_zone_get_identifier (source), source);
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
 * Errors: %ELVES_ERROR_INVALID when there is no such zone.
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
