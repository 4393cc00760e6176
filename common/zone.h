/* A time zone as a table of spans in which the offset from UTC does not change.
 *
 * One table per zone name, made on first use (microseconds), shared and kept to the end of the
 * process: there are a few hundred names. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The table covers 1970 to 2199. */
#define ELVES_ZONE_BEGIN_S G_GINT64_CONSTANT (0)
#define ELVES_ZONE_END_S G_GINT64_CONSTANT (7258118400)
#define ELVES_ZONE_FIRST_YEAR 1970
#define ELVES_ZONE_LAST_YEAR 2199

typedef struct
{
  gint64 start_s; /* UTC, since 1970 */
  gint64 fresh_s; /* local: no span before has reached it. Above the local start: a fold, these
                     local times come again. Below: a gap, the ones between never come */
  gint32 offset_s;
} ElvesZoneSpan;

typedef struct ElvesZone ElvesZone;

/* @name: (nullable) IANA name; NULL or "": the process's own zone. The result belongs to the cache.
 */
const ElvesZone *elves_zone_get (const char *name, GError **error);

const char *elves_zone_name (const ElvesZone *self);
const ElvesZoneSpan *elves_zone_span (const ElvesZone *self,
                                      guint index);              /* NULL behind the last */
gint64 elves_zone_span_end (const ElvesZone *self, guint index); /* UTC, exclusive */
guint elves_zone_find (const ElvesZone *self, gint64 utc_s);

G_END_DECLS
