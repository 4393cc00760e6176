/* What is held in memory of a started schedule: only what says when, and whether. What it fires is
   in the store, and read when it does. A million of these are held at once. */
#pragma once

#include "common/schedule.h"
#include "cron/id.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_CRON_OVERLAP_ALLOW,
  ELVES_CRON_OVERLAP_SKIP, /* an instant that comes while an execution runs is passed over */
  ELVES_CRON_OVERLAP_QUEUE /* one such instant waits for its end; more are passed over */
} ElvesCronOverlap;

typedef enum
{
  ELVES_CRON_MISSED_SKIP,
  ELVES_CRON_MISSED_LAST,
  ELVES_CRON_MISSED_ALL /* the last missed_cap of them */
} ElvesCronMissed;

#define ELVES_CRON_UNLIMITED G_MAXUINT32

/* All times: unix microseconds; 0 where there is none. */
typedef struct
{
  guint64 id;     /* first: the key of the table */
  gint64 next_us; /* planned next; ELVES_SCHEDULE_NEVER */
  gint64 end_us;  /* no instant after it; ELVES_SCHEDULE_NEVER: no end */
  ElvesSchedule *schedule;
  gint64 running_us;       /* planned instant of the execution that runs, if it matters */
  gint64 queued_us;        /* planned instant that waits for its end */
  guint32 place;           /* in the heap, from 1; 0: not in it */
  guint32 left;            /* firings, or ELVES_CRON_UNLIMITED */
  guint32 limit_s;         /* how long an execution may run, at most */
  guint32 running_until_s; /* then it is given up: seconds since 1970 */
  guint16 missed_cap;
  guint8 overlap;  /* ElvesCronOverlap */
  guint8 missed;   /* ElvesCronMissed */
  guint32 unclean; /* firings since its history was cut */
} ElvesCronEntry;

ElvesCronEntry *elves_cron_entry_new (guint64 id, ElvesSchedule *schedule); /* takes @schedule */
void elves_cron_entry_free (ElvesCronEntry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronEntry, elves_cron_entry_free)

/* Plans the first instant after @after_us. */
void elves_cron_entry_plan (ElvesCronEntry *self, gint64 after_us);
/* No instant comes any more. */
gboolean elves_cron_entry_is_over (const ElvesCronEntry *self);

G_END_DECLS
