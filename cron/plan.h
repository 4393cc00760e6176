/* A timed task as a whole: when, under which policies, and what it fires. As it is asked for and
   as the store keeps it; in memory only while it is made, shown or fired. */
#pragma once

#include "common/store.h"
#include "cron/entry.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_CRON_BY_RULE,
  ELVES_CRON_BY_INTERVAL,
  ELVES_CRON_ONCE
} ElvesCronTiming;

typedef enum
{
  ELVES_CRON_JOB,    /* a function on an agent, through the scheduler */
  ELVES_CRON_HTTP,   /* an HTTP request */
  ELVES_CRON_MESSAGE /* a message to a topic exchange */
} ElvesCronAction;

typedef enum
{
  ELVES_CRON_STOPPED,
  ELVES_CRON_STARTED,
  ELVES_CRON_FINISHED /* no instant comes any more */
} ElvesCronState;

/* Texts are never NULL; times are unix microseconds, 0: none. */
typedef struct
{
  char *id, *name;

  ElvesCronTiming timing;
  ElvesScheduleDialect dialect;
  char *rule, *tz;
  ElvesScheduleGap gap;
  ElvesScheduleFold fold;
  gint64 every_us, at_us;
  gint64 start_us, end_us;

  ElvesCronOverlap overlap;
  ElvesCronMissed missed;
  guint missed_cap;
  gint64 count; /* 0: unlimited */

  ElvesCronAction action;
  char *ip, *mode, *app, *func, *proxy; /* of a job */
  char *param;                          /* of a job; else the body */
  gint timeout_s;
  char *target; /* URL, or routing key */
  char *method, *content_type;
  char *headers; /* a JSON object, or "" */
  guint retries;

  /* What became of it. */
  ElvesCronState state;
  gint64 created_us;
  gint64 first_us;  /* started for the first time */
  gint64 cursor_us; /* all instants until then are decided */
  gint64 fired;
} ElvesCronPlan;

ElvesCronPlan *elves_cron_plan_new (void);
ElvesCronPlan *elves_cron_plan_copy (const ElvesCronPlan *self);
void elves_cron_plan_free (ElvesCronPlan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronPlan, elves_cron_plan_free)

/* (transfer full). Errors: ELVES_ERROR_INVALID says what is wrong with the rule. */
ElvesSchedule *elves_cron_plan_schedule (const ElvesCronPlan *self, GError **error);
/* (transfer full): what is held of it while it is started, planned after @after_us. */
ElvesCronEntry *elves_cron_plan_entry (const ElvesCronPlan *self, gint64 after_us, GError **error);

const char *elves_cron_overlap_name (guint overlap);
gboolean elves_cron_overlap_from_name (const char *name, ElvesCronOverlap *out_overlap);
const char *elves_cron_missed_name (guint missed);
gboolean elves_cron_missed_from_name (const char *name, ElvesCronMissed *out_missed);
const char *elves_cron_action_name (ElvesCronAction action);
const char *elves_cron_state_name (ElvesCronState state);

/* ---- in the store ---------------------------------------------------------------------------- */

/* Lists of columns of cron_schedule, and what fills a plan from a row, from column @at on. */
#define ELVES_CRON_WHEN_COLUMNS                                                                    \
  "id, timing, dialect, rule, tz, gap, fold, every_us, at_us, start_us, end_us, overlap, missed, " \
  "missed_cap, count_limit, timeout_s, state, created_us, first_us, cursor_us, fired"
#define ELVES_CRON_ACTION_COLUMNS                                                            \
  "name, action, ip, mode, app, func, proxy, param, target, method, content_type, headers, " \
  "retries"
enum
{
  ELVES_CRON_N_WHEN_COLUMNS = 21
};

void elves_cron_plan_read_when (ElvesCronPlan *self, ElvesStoreRows *rows, guint at);
void elves_cron_plan_read_action (ElvesCronPlan *self, ElvesStoreRows *rows, guint at);
gboolean elves_cron_plan_insert (const ElvesCronPlan *self,
                                 const char *request,
                                 ElvesStoreTx *tx,
                                 GError **error);

G_END_DECLS
