/* The Gregorian calendar as numbers: dates, days since 1970-01-01, weekdays. Pure; no time zone. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum
{
  ELVES_CIVIL_DAY_S = 24 * 60 * 60
};

typedef struct
{
  gint32 year;
  guint8 month; /* 1-12 */
  guint8 day;   /* 1-31 */
} ElvesCivilDate;

gint64 elves_civil_days (int year, guint month, guint day);
ElvesCivilDate elves_civil_date (gint64 days);
guint elves_civil_weekday (gint64 days); /* 0: Sunday */
guint elves_civil_month_length (int year, guint month);

/* @seconds: local, since 1970-01-01T00:00:00. */
gint64 elves_civil_day_of (gint64 seconds);
char *elves_civil_format (gint64 seconds); /* "2026-03-29 02:30:00" */

G_END_DECLS
