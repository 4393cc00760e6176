/* A file of the system's time-zone data: TZif of RFC 8536, version 2 or later.
 *
 *   header, data with 32-bit times (skipped); header, data with 64-bit times; "\n" rule "\n" */

#include "common/error.h"
#include "common/zone-private.h"

#include <string.h>

enum
{
  SIZE_LIMIT = 1 << 20, /* bytes; the largest there is has 3 KiB */
  HEADER_SIZE = 44,
  COUNTS_AT = 20,
  TYPE_SIZE = 6,
  OFFSET_LIMIT_S = 26 * 3600
};

typedef struct
{
  guint32 utc_flags, standard_flags, leaps, times, types, characters;
} Counts;

typedef struct
{
  const guint8 *bytes;
  gsize left;
} Cursor;

static gboolean
refuse (GError **error, const char *path, const char *reason)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: %s", path, reason);
  return FALSE;
}

static guint32
read_u32 (const guint8 *bytes)
{
  guint32 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT32_FROM_BE (value);
}

static gint64
read_i64 (const guint8 *bytes)
{
  guint64 value;

  memcpy (&value, bytes, sizeof value);
  return (gint64) GUINT64_FROM_BE (value);
}

/* NULL: there is not so much left. */
static const guint8 *
take (Cursor *self, guint64 n_bytes)
{
  const guint8 *taken = self->bytes;

  if (n_bytes > self->left)
    return NULL;
  self->bytes += n_bytes;
  self->left -= n_bytes;
  return taken;
}

static gboolean
take_header (Cursor *self, Counts *out)
{
  const guint8 *header = take (self, HEADER_SIZE);

  if (header == NULL || memcmp (header, "TZif", 4) != 0 || header[4] < '2')
    return FALSE;
  out->utc_flags = read_u32 (header + COUNTS_AT);
  out->standard_flags = read_u32 (header + COUNTS_AT + 4);
  out->leaps = read_u32 (header + COUNTS_AT + 8);
  out->times = read_u32 (header + COUNTS_AT + 12);
  out->types = read_u32 (header + COUNTS_AT + 16);
  out->characters = read_u32 (header + COUNTS_AT + 20);
  return out->types > 0;
}

static guint64
rest_of_data (const Counts *counts, guint time_size)
{
  return counts->characters + (guint64) counts->leaps * (time_size + 4) + counts->standard_flags +
         counts->utc_flags;
}

static gboolean
skip_data (Cursor *self, const Counts *counts, guint time_size)
{
  return take (self, (guint64) counts->times * (time_size + 1)) != NULL &&
         take (self, (guint64) counts->types * TYPE_SIZE) != NULL &&
         take (self, rest_of_data (counts, time_size)) != NULL;
}

/* Where a file says nothing, its first type is meant. */
static gboolean
add_spans (const Counts *counts,
           const guint8 *times,
           const guint8 *types,
           ElvesZoneBuilder *builder,
           gint64 *out_last_s)
{
  const guint8 *indexes = times + (gsize) counts->times * 8;

  *out_last_s = G_MININT64;
  elves_zone_builder_add (builder, G_MININT64, (gint32) read_u32 (types));
  for (guint32 i = 0; i < counts->times; i++)
    {
      gint64 at_s = read_i64 (times + (gsize) i * 8);
      gint32 offset_s;

      if (indexes[i] >= counts->types || at_s < *out_last_s)
        return FALSE;
      offset_s = (gint32) read_u32 (types + indexes[i] * TYPE_SIZE);
      if (ABS ((gint64) offset_s) > OFFSET_LIMIT_S)
        return FALSE;
      elves_zone_builder_add (builder, at_s, offset_s);
      *out_last_s = at_s;
    }
  return TRUE;
}

static char *
take_rule (Cursor *self)
{
  const guint8 *end;

  if (self->left < 2 || *self->bytes != '\n')
    return NULL;
  end = memchr (self->bytes + 1, '\n', self->left - 1);
  return end != NULL ? g_strndup ((const char *) self->bytes + 1, (gsize) (end - self->bytes) - 1)
                     : NULL;
}

static gboolean
read_data (Cursor *self, const char *path, ElvesZoneBuilder *builder, GError **error)
{
  Counts old, counts;
  const guint8 *times, *types;
  g_autofree char *rule = NULL;
  gint64 last_s;

  if (!take_header (self, &old) || !skip_data (self, &old, 4) || !take_header (self, &counts))
    return refuse (error, path, "it is no time-zone data of version 2 or later");
  times = take (self, (guint64) counts.times * 9);
  types = take (self, (guint64) counts.types * TYPE_SIZE);
  if (times == NULL || types == NULL || take (self, rest_of_data (&counts, 8)) == NULL ||
      counts.leaps > 0 || !add_spans (&counts, times, types, builder, &last_s))
    return refuse (error, path, "its time-zone data is damaged, or counts leap seconds");
  rule = take_rule (self);
  if (rule == NULL)
    return refuse (error, path, "its time-zone data has no end");
  return *rule == '\0' || elves_zone_rule_apply (rule, last_s, builder, error);
}

/**
 * elves_zone_file_read: (skip)
 * @path: of the file
 * @builder: empty; gets the spans
 * @error: return location
 *
 * Returns: %FALSE with @error set when it cannot be read.
 */
gboolean
elves_zone_file_read (const char *path, ElvesZoneBuilder *builder, GError **error)
{
  g_autofree char *content = NULL;
  gsize size;
  Cursor cursor;

  if (!g_file_get_contents (path, &content, &size, error))
    return FALSE;
  if (size > SIZE_LIMIT)
    return refuse (error, path, "it is too large for time-zone data");
  cursor = (Cursor){ (const guint8 *) content, size };
  return read_data (&cursor, path, builder, error);
}
