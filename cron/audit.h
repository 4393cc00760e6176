/* The plan against what was decided: every instant that a task had to come has its entry, and every
   entry its instant. */
#pragma once

#include "cron/ledger.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 id;
  gint64 planned_us;
  const char *kind; /* "lost", "unplanned", "unsent", "late" */
  gint64 by_us;     /* of "late" */
} ElvesCronFinding;

typedef struct
{
  gint64 from_us, to_us;
  guint64 schedules;
  guint64 expected; /* instants that had to come */
  guint64 fired;    /* out, in time or late */
  guint64 late, overlapped, missed, paused;
  guint64 unsent;    /* decided and not out */
  guint64 pending;   /* not decided yet: the leader is behind, or there is none */
  guint64 unplanned; /* an entry without an instant */
  guint64 lost;      /* an instant without an entry, and later ones are decided */
  guint64 doubled;   /* decided twice, since this process leads; the second was refused */
  gboolean complete; /* FALSE: stopped at its limit; ask again after `next` */
  char next[17];     /* id of the last task, when it is not complete */
  GArray *findings;  /* of ElvesCronFinding; the first ones */
} ElvesCronReport;

typedef struct
{
  const char *id;    /* "": all */
  const char *after; /* "", or next of the report before */
  gint64 from_us, to_us;
  gint64 kept_from_us; /* older entries may be forgotten */
  gint64 late_after_us;
} ElvesCronAuditOptions; /* texts are copied */

typedef void (*ElvesCronReportFunc) (const ElvesCronReport *report,
                                     const GError *error,
                                     gpointer user_data);
void elves_cron_audit (ElvesCronLedger *ledger,
                       const ElvesCronAuditOptions *options,
                       ElvesCronReportFunc done,
                       gpointer user_data);

G_END_DECLS
