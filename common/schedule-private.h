/* What the files of the schedule share: the fields of a rule as bit sets, and the rule itself.
 *
 *   schedule.c            kinds of schedules, names, next
 *   schedule-search.c     fields and a zone -> instants, with the daylight-saving policies
 *   schedule-days.c       fields -> local times, without a zone
 *   schedule-field.c      the text of one field -> bits; what all dialects have in common
 *   schedule-crontab.c    crontab, crontab-seconds, timecloud, cronjob
 *   schedule-quartz.c     quartz
 *   schedule-duration.c   "1h30m", "5 minutes"
 */
#pragma once

#include "common/schedule.h"
#include "common/zone.h"

G_BEGIN_DECLS

/* Which days of a month: from the fields day of month and day of week. */
typedef enum
{
  ELVES_DAYS_BOTH,            /* both must match */
  ELVES_DAYS_EITHER,          /* one of them is enough */
  ELVES_DAYS_LAST,            /* the last but `number` */
  ELVES_DAYS_LAST_WORKDAY,    /* the workday next to that one, in the same month */
  ELVES_DAYS_NEAREST_WORKDAY, /* the workday next to day `number`, in the same month */
  ELVES_DAYS_LAST_WEEKDAY,    /* the last of the weekdays */
  ELVES_DAYS_NTH_WEEKDAY      /* the `number`th of the weekdays */
} ElvesDayRule;

typedef struct
{
  guint64 years[4]; /* bit 0: ELVES_ZONE_FIRST_YEAR */
} ElvesYears;

typedef struct
{
  guint64 seconds; /* bits 0-59 */
  guint64 minutes;
  ElvesYears *years;     /* (nullable): every year */
  guint32 hours;         /* bits 0-23 */
  guint32 days_of_month; /* bits 1-31 */
  guint16 months;        /* bits 1-12 */
  guint8 weekdays;       /* bits 0-6, 0: Sunday */
  guint8 number;         /* of the day rule */
  guint8 day_rule;       /* ElvesDayRule */
} ElvesFields;

#define ELVES_EVERY_SECOND (G_GUINT64_CONSTANT (0x0fffffffffffffff))
#define ELVES_EVERY_HOUR 0x00ffffffu
#define ELVES_EVERY_DAY 0xfffffffeu
#define ELVES_EVERY_MONTH 0x1ffeu
#define ELVES_EVERY_WEEKDAY 0x7fu

typedef enum
{
  ELVES_SCHEDULE_KIND_RULE,
  ELVES_SCHEDULE_KIND_EVERY, /* counted from the instant that is asked about */
  ELVES_SCHEDULE_KIND_INTERVAL,
  ELVES_SCHEDULE_KIND_ONCE
} ElvesScheduleKind;

/* A million of them are held at once. */
struct ElvesSchedule
{
  union
  {
    ElvesFields fields;
    struct
    {
      gint64 start_us;
      gint64 end_us;
      gint64 every_us;
    };
  };
  const ElvesZone *zone; /* the cache's; NULL when only seconds count */
  guint kind : 2;
  guint skip_gaps : 1;
  guint both_folds : 1;
};

G_STATIC_ASSERT (sizeof (struct ElvesSchedule) <= 64);

/* --- local times ----------------------------------------------------------------------------- */

/* The first local second >= @local_s that matches; %ELVES_SCHEDULE_NEVER. */
gint64 elves_fields_next (const ElvesFields *self, gint64 local_s);
void elves_fields_clear (ElvesFields *self);

/* --- instants -------------------------------------------------------------------------------- */

gboolean
elves_schedule_search (const ElvesSchedule *self, gint64 from_s, ElvesScheduleInstant *out_instant);

/* --- text ------------------------------------------------------------------------------------ */

/* What a dialect finds in its text. @zone_name: what the text itself says (TZ=), or NULL. */
typedef struct
{
  ElvesFields fields;
  gint64 every_us; /* > 0: no fields, but this interval */
  char *zone_name; /* (nullable) */
} ElvesRule;

void elves_rule_clear (ElvesRule *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesRule, elves_rule_clear)

typedef gboolean (*ElvesRuleParseFunc) (ElvesRule *rule, const char *text, GError **error);

gboolean elves_rule_parse_quartz (ElvesRule *self, const char *text, GError **error);
gboolean elves_rule_parse_crontab (ElvesRule *self, const char *text, GError **error);
gboolean elves_rule_parse_crontab_seconds (ElvesRule *self, const char *text, GError **error);
gboolean elves_rule_parse_timecloud (ElvesRule *self, const char *text, GError **error);
gboolean elves_rule_parse_timecloud_sunday (ElvesRule *self, const char *text, GError **error);
gboolean elves_rule_parse_cronjob (ElvesRule *self, const char *text, GError **error);

/* Microseconds, > 0. */
gboolean elves_duration_parse_go (const char *text, gint64 *out_us, GError **error);
gboolean elves_duration_parse_words (const char *text, gint64 *out_us, GError **error);

G_END_DECLS
