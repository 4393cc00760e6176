/* A task of QBaseCron: what is asked for as a timed task of elves-cron, and that as it is shown
 * (qbasecron.md 2 to 5). Pure. */
#pragma once

#include "common/json-reader.h"
#include "common/zone.h"
#include "openapi/parameters.h"

G_BEGIN_DECLS

#define ELVES_QBASECRON_OWNER "qbasecron"

#define ELVES_QBASECRON_SUCCESS "success"

/* What an answer's status says. */
enum
{
  ELVES_QBASECRON_OK = 0,
  ELVES_QBASECRON_TIME = 10001,    /* none, or past */
  ELVES_QBASECRON_MISSING = 10002, /* a parameter */
  ELVES_QBASECRON_BAD = 10003,     /* a parameter */
  ELVES_QBASECRON_HTTP = 10000,    /* and the HTTP status */
  ELVES_QBASECRON_NOT_FOUND = 10404,
  ELVES_QBASECRON_METHOD = 10405,
  ELVES_QBASECRON_UNAVAILABLE = 10503
};

typedef struct
{
  const ElvesZone *zone;
  const char *zone_name;    /* as elves-cron knows it; "": its own */
  const char *callback_url; /* when none is given */
  gint64 now_us;
  guint turn; /* which of several targets is the first: the next task has the next number */
} ElvesQbasecronRules;

/* (transfer full) (nullable): the body of createCron; NULL: *out_code and *out_message (transfer
   full) say why. @out_delay_ms: from now; -1: it comes again and again. */
GString *elves_qbasecron_order (const ElvesQbasecronRules *rules,
                                const ElvesParameters *parameters,
                                gint64 *out_delay_ms,
                                guint *out_code,
                                char **out_message);

/* (transfer full) (nullable): the URLs in @text, separated by commas; NULL: one is none. */
char **elves_qbasecron_targets (const char *text);

/* The task as one JSON object. @card: of elves-cron. @delay_ms: -1: not shown. */
void elves_qbasecron_view (GString *out,
                           const char *name,
                           const ElvesJsonObject *card,
                           const ElvesZone *zone,
                           gint64 delay_ms);

G_END_DECLS
