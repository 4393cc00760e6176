/* When next? A rule in one of several dialects and a time zone give instants.
 *
 * An ElvesSchedule never changes and knows no clock: any thread may ask it, the caller says what
 * time it is. It is small (a million are held at once); those of one zone share its table. Instants
 * are unix microseconds, UTC; all but those of an interval or a single instant are whole seconds.
 *
 * Daylight saving, per schedule:
 *   gap:  a local time that a day does not have. Skipped, or replaced by the first instant after
 *         the gap (once, however many planned times were in it).
 *   fold: a local time that a day has twice. Taken once (the first), or twice.
 * Where a schedule does not say, its dialect does:
 *
 *                    quartz   crontab       crontab-seconds   timecloud     cronjob
 *              gap   skip     first valid   skip              first valid   first valid
 *              fold  once     once          twice             once          once
 *
 * and a rule for every hour of the day is no time of day but a beat: it follows real time, which
 * is skip and twice. What a schedule says itself is taken to the letter. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ELVES_SCHEDULE_NEVER G_MAXINT64
#define ELVES_SCHEDULE_TEXT_LIMIT 1024 /* bytes of a rule */

typedef struct ElvesSchedule ElvesSchedule;

typedef enum
{
  ELVES_SCHEDULE_QUARTZ,           /* 6 or 7 fields */
  ELVES_SCHEDULE_CRONTAB,          /* 5 fields, or @daily and the like */
  ELVES_SCHEDULE_CRONTAB_SECONDS,  /* 5 or 6 fields; @daily, @every, TZ= */
  ELVES_SCHEDULE_TIMECLOUD,        /* 5 or 6 fields, months from 0, day of week 0 = Monday */
  ELVES_SCHEDULE_TIMECLOUD_SUNDAY, /* the same with 0 = Sunday */
  ELVES_SCHEDULE_CRONJOB,          /* JSON object of second, minute, hour, dom, month, dow */
  ELVES_N_SCHEDULE_DIALECTS
} ElvesScheduleDialect;

typedef enum
{
  ELVES_SCHEDULE_GAP_DEFAULT,
  ELVES_SCHEDULE_GAP_SKIP,
  ELVES_SCHEDULE_GAP_FIRST_VALID,
  ELVES_N_SCHEDULE_GAPS
} ElvesScheduleGap;

typedef enum
{
  ELVES_SCHEDULE_FOLD_DEFAULT,
  ELVES_SCHEDULE_FOLD_ONCE,
  ELVES_SCHEDULE_FOLD_TWICE,
  ELVES_N_SCHEDULE_FOLDS
} ElvesScheduleFold;

typedef struct
{
  const char *name; /* (nullable) IANA name, e.g. "Europe/Berlin"; NULL or "": the process's zone */
  ElvesScheduleGap gap;
  ElvesScheduleFold fold;
} ElvesScheduleZone;

/* Texts for stores, messages and command lines: "quartz", "crontab", ...; "default", "skip",
 * "first"; "default", "once", "twice". FALSE: there is no such name. */
const char *elves_schedule_dialect_name (ElvesScheduleDialect dialect);
gboolean elves_schedule_dialect_from_name (const char *name, ElvesScheduleDialect *out_dialect);
const char *elves_schedule_gap_name (ElvesScheduleGap gap);
gboolean elves_schedule_gap_from_name (const char *name, ElvesScheduleGap *out_gap);
const char *elves_schedule_fold_name (ElvesScheduleFold fold);
gboolean elves_schedule_fold_from_name (const char *name, ElvesScheduleFold *out_fold);

/* %ELVES_ERROR_INVALID says which field and what was expected; also for a rule that matches no
 * instant from 1970 to 2199. One that matched in the past only is right: its next is NEVER, which
 * whoever takes in new rules refuses. */
ElvesSchedule *elves_schedule_new_rule (ElvesScheduleDialect dialect,
                                        const char *text,
                                        const ElvesScheduleZone *zone,
                                        GError **error);
/* start_us, start_us + every_us, ... up to and with end_us (0: no end). */
ElvesSchedule *
elves_schedule_new_interval (gint64 start_us, gint64 end_us, gint64 every_us, GError **error);
ElvesSchedule *elves_schedule_new_once (gint64 at_us);
void elves_schedule_free (ElvesSchedule *self);

/* The first instant after @after_us; %ELVES_SCHEDULE_NEVER when there is none. "@every" counts from
 * @after_us, cut to the second. */
gint64 elves_schedule_next (const ElvesSchedule *self, gint64 after_us);

/* What daylight saving did to an instant. */
typedef enum
{
  ELVES_SCHEDULE_PLAIN,
  ELVES_SCHEDULE_MOVED,        /* planned for a local time that this day does not have */
  ELVES_SCHEDULE_FIRST_OF_TWO, /* this local time comes again, and is left out then */
  ELVES_SCHEDULE_TWICE_FIRST,  /* this local time comes again, and is taken again */
  ELVES_SCHEDULE_TWICE_SECOND
} ElvesScheduleMark;

#define ELVES_SCHEDULE_NONE G_MININT64

typedef struct
{
  gint64 at_us;
  gint64 planned_local_s; /* what a clock on the wall would have to show, as seconds since 1970 */
  gint32 offset_s;        /* from UTC, at this instant */
  ElvesScheduleMark mark;
  gint64 skipped_local_s; /* the last planned local time that fell into a gap and was skipped on
                             the way here; or %ELVES_SCHEDULE_NONE */
} ElvesScheduleInstant;

/* As elves_schedule_next(), with the reasons. FALSE: never. */
gboolean elves_schedule_explain (const ElvesSchedule *self,
                                 gint64 after_us,
                                 ElvesScheduleInstant *out_instant);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesSchedule, elves_schedule_free)

G_END_DECLS
