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
  char *owner;      /* whose it is; "": the operators' own */
  char *unique_key; /* the only one of its owner that has it; "": none */
  char *extra;      /* of its owner, opaque */
  guint spelling;   /* ElvesCronSpelling: how its id is written */

  ElvesCronTiming timing;
  ElvesScheduleDialect dialect;
  char *rule, *tz;
  ElvesScheduleGap gap;
  ElvesScheduleFold fold;
  gint64 every_us, at_us;
  gint64 start_us, end_us;
  gboolean first_now; /* an interval's first instant is its start */

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
  char *retry_delays;     /* a JSON array of seconds, or "" */
  char *targets;          /* of several URLs a JSON array, or "" */
  char *token_param;      /* the query's parameter with the execution's token, or "" */
  guint report_timeout_s; /* how long an execution waits to be reported; 0: it is not */
  char *exchange;         /* of a message; "": the usual one */
  gboolean spawn;         /* an occurrence makes a task, and does not fire */
  char *spawned_by;       /* id of the one that made it, or "" */

  /* What became of it. */
  ElvesCronState state;
  gint64 created_us;
  gint64 first_us;  /* started for the first time */
  gint64 cursor_us; /* all instants until then are decided */
  gint64 fired;
  gint64 deleted_us; /* it is kept for its history only */
} ElvesCronPlan;

ElvesCronPlan *elves_cron_plan_new (void);
ElvesCronPlan *elves_cron_plan_copy (const ElvesCronPlan *self);
void elves_cron_plan_free (ElvesCronPlan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronPlan, elves_cron_plan_free)

/* (transfer full). Errors: ELVES_ERROR_INVALID says what is wrong with the rule. */
ElvesSchedule *elves_cron_plan_schedule (const ElvesCronPlan *self, GError **error);
/* (transfer full): what is held of it while it is started, planned after @after_us. */
ElvesCronEntry *elves_cron_plan_entry (const ElvesCronPlan *self, gint64 after_us, GError **error);

/* (transfer full): the targets of an HTTP request, at least one. */
char **elves_cron_plan_urls (const ElvesCronPlan *self);
/* Of several the one of number @by becomes the first. */
void elves_cron_plan_turn_urls (ElvesCronPlan *self, guint by);
/* (transfer full): of guint, milliseconds: the delays that it names. */
GArray *elves_cron_plan_retry_delays (const ElvesCronPlan *self);

const char *elves_cron_overlap_name (guint overlap);
gboolean elves_cron_overlap_from_name (const char *name, ElvesCronOverlap *out_overlap);
const char *elves_cron_missed_name (guint missed);
gboolean elves_cron_missed_from_name (const char *name, ElvesCronMissed *out_missed);
const char *elves_cron_action_name (ElvesCronAction action);
const char *elves_cron_state_name (ElvesCronState state);
gboolean elves_cron_state_from_name (const char *name, guint *out_state);

/* ---- in the store ---------------------------------------------------------------------------- */

/* Lists of columns of cron_schedule, each with @s in front ("s." or ""), and what fills a plan from
   a row, from column @at on. */
/* clang-format off */
#define ELVES_CRON_WHEN_COLUMNS_OF(s) \
  s "id, " s "timing, " s "dialect, " s "rule, " s "tz, " s "gap, " s "fold, " s "every_us, " \
  s "at_us, " s "start_us, " s "end_us, " s "overlap, " s "missed, " s "missed_cap, " \
  s "count_limit, " s "timeout_s, " s "state, " s "created_us, " s "first_us, " s "cursor_us, " \
  s "fired, " s "action, " s "owner, " s "spelling, " s "report_timeout_s, " s "first_now, " \
  s "deleted_us"
#define ELVES_CRON_ACTION_COLUMNS_OF(s) \
  s "name, " s "ip, " s "mode, " s "app, " s "func, " s "proxy, " s "param, " s "target, " \
  s "method, " s "content_type, " s "headers, " s "exchange, " s "targets, " s "token_param, " \
  s "retry_delays, " s "spawned_by, " s "unique_key, " s "extra, " s "retries, " s "spawn"
/* clang-format on */
#define ELVES_CRON_PLAN_COLUMNS_OF(s) \
  ELVES_CRON_WHEN_COLUMNS_OF (s) ", " ELVES_CRON_ACTION_COLUMNS_OF (s)
#define ELVES_CRON_WHEN_COLUMNS ELVES_CRON_WHEN_COLUMNS_OF ("")
#define ELVES_CRON_PLAN_COLUMNS ELVES_CRON_PLAN_COLUMNS_OF ("")
enum
{
  ELVES_CRON_N_WHEN_COLUMNS = 27,
  ELVES_CRON_N_PLAN_COLUMNS = ELVES_CRON_N_WHEN_COLUMNS + 20
};

void elves_cron_plan_read_when (ElvesCronPlan *self, ElvesStoreRows *rows, guint at);
/* (transfer full): all of it, from ELVES_CRON_PLAN_COLUMNS. */
ElvesCronPlan *elves_cron_plan_read (ElvesStoreRows *rows, guint at);
gboolean elves_cron_plan_insert (const ElvesCronPlan *self,
                                 const char *request,
                                 ElvesStoreTx *tx,
                                 GError **error);
/* All that createCron says, and how far it has come, of the task that has its id. */
gboolean elves_cron_plan_update (const ElvesCronPlan *self, ElvesStoreTx *tx, GError **error);

G_END_DECLS
