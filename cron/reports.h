/* Executions whose end is reported by who was called: the reports, and those that do not come. */
#pragma once

#include "cron/firings.h"

G_BEGIN_DECLS

typedef struct ElvesCronReports ElvesCronReports;

/* An execution ended because its report did not come in time. */
typedef void (*ElvesCronReportEndFunc) (guint64 id, gint64 planned_us, gpointer user_data);

ElvesCronReports *
elves_cron_reports_new (ElvesCronLedger *ledger, ElvesCronReportEndFunc ended, gpointer user_data);
void elves_cron_reports_free (ElvesCronReports *self);
/* From now on, also for what earlier leaders have delivered. */
void elves_cron_reports_begin (ElvesCronReports *self);
/* One is to be reported until then. */
void elves_cron_reports_expect (ElvesCronReports *self, gint64 until_us);

/* What a report came to. */
typedef struct
{
  guint64 id;
  gint64 planned_us;
  guint spelling;
  const char *status; /* as it is known from now on */
  gboolean already;   /* it had ended: the report has changed nothing */
} ElvesCronReported;

/* @reported: NULL with an error. Errors: NOT_FOUND. */
typedef void (*ElvesCronReportedFunc) (const ElvesCronReported *reported,
                                       const GError *error,
                                       gpointer user_data);
void elves_cron_reports_take (ElvesCronLedger *ledger,
                              const char *token,
                              const char *owner,
                              gboolean ok,
                              const char *message,
                              ElvesCronReportedFunc done,
                              gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronReports, elves_cron_reports_free)

G_END_DECLS
