/* What makes the table of a zone: zone-file.c reads the system's time-zone data, zone-rule.c the
   rule for the years to come that stands at its end. GTimeZone would do both, but gets zones wrong
   whose winter is the daylight saving time (Europe/Dublin from 2038 on), has no call for "when is
   the next change?", and walks all its intervals for each question. */
#pragma once

#include "common/zone.h"

G_BEGIN_DECLS

/* The spans of a zone in the making, in order of time. */
typedef struct
{
  GArray *spans; /* ElvesZoneSpan */
} ElvesZoneBuilder;

void elves_zone_builder_init (ElvesZoneBuilder *self);
void elves_zone_builder_clear (ElvesZoneBuilder *self);
/* @start_s below ELVES_ZONE_BEGIN_S: from there on. Not before the one added last. */
void elves_zone_builder_add (ElvesZoneBuilder *self, gint64 start_s, gint32 offset_s);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesZoneBuilder, elves_zone_builder_clear)

/* The text of a POSIX TZ variable, as in "CET-1CEST,M3.5.0,M10.5.0/3", for all times from
 * @from_s on. */
gboolean
elves_zone_rule_apply (const char *text, gint64 from_s, ElvesZoneBuilder *builder, GError **error);

gboolean elves_zone_file_read (const char *path, ElvesZoneBuilder *builder, GError **error);

G_END_DECLS
