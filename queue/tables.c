/* The tables of elves-queue. A task that is to be given to the scheduler is running with sent = 0:
   that is the outbox, and no second record can differ from it. */
#include "queue/tables.h"

static const char *const version_1[] = {
  "CREATE TABLE queue ("
  " seq $SERIAL,"
  " queue_id TEXT NOT NULL UNIQUE,"
  " app TEXT NOT NULL,"
  " status TEXT NOT NULL,"
  " on_failure TEXT NOT NULL,"
  " created_ms $INT NOT NULL,"
  " committed_ms $INT,"
  " ended_ms $INT," /* committed or stopped, and nothing runs any more */
  " tasks $INT NOT NULL DEFAULT 0,"
  " running $INT NOT NULL DEFAULT 0,"
  " bytes $INT NOT NULL DEFAULT 0," /* of its tasks */
  " made_by TEXT NOT NULL,"         /* fingerprints of requests: a repeated one changes nothing */
  " committed_by TEXT)",
  "CREATE INDEX queue_open ON queue (status) WHERE ended_ms IS NULL",
  "CREATE INDEX queue_ended ON queue (ended_ms) WHERE ended_ms IS NOT NULL",
  "CREATE INDEX queue_made_by ON queue (made_by)",

  "CREATE TABLE queue_task ("
  " seq $SERIAL,"
  " task_id TEXT NOT NULL UNIQUE,"
  " queue_id TEXT NOT NULL,"
  " ip TEXT NOT NULL,"
  " mode TEXT NOT NULL,"
  " func TEXT NOT NULL,"
  " param TEXT NOT NULL,"
  " proxy TEXT NOT NULL,"
  " timeout_s $INT NOT NULL,"
  " depend_task_id TEXT NOT NULL,"         /* as it was asked for; all of them are in queue_need */
  " waits_for $INT NOT NULL,"              /* tasks that have not succeeded yet */
  " bytes $INT NOT NULL,"                  /* of what it is asked with */
  " result_bytes $INT NOT NULL DEFAULT 0," /* of error and worker_message */
  " status TEXT NOT NULL,"
  " sent $INT NOT NULL DEFAULT 0," /* the broker has it */
  " created_ms $INT NOT NULL,"
  " deadline_ms $INT,"
  " finished_ms $INT,"
  " flag TEXT,"
  " error TEXT,"
  " reason TEXT,"
  " worker_flag $INT,"
  " worker_message TEXT,"
  " worker_cost_ms $INT,"
  " made_by TEXT NOT NULL)",
  "CREATE INDEX queue_task_queue ON queue_task (queue_id, seq)",
  "CREATE INDEX queue_task_unsent ON queue_task (seq) WHERE status = 'running' AND sent = 0",
  "CREATE INDEX queue_task_deadline ON queue_task (deadline_ms) WHERE status = 'running'",

  "CREATE TABLE queue_need ("
  " task_id TEXT NOT NULL,"
  " needs TEXT NOT NULL,"
  " PRIMARY KEY (task_id, needs))",
  "CREATE INDEX queue_need_needs ON queue_need (needs, task_id)",
  NULL
};

/* Queues submitted as a whole, their pace, their counters, and numbers of changes: each task has
   the number of its last one, which no other task of its queue has. sent is 2 while the broker may
   have a task: what is 0 has never been published. */
static const char *const version_2[] = {
  "ALTER TABLE queue ADD COLUMN name TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE queue ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE queue ADD COLUMN extra TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE queue ADD COLUMN submit_key TEXT",
  "ALTER TABLE queue ADD COLUMN content TEXT", /* sum of what was submitted under submit_key */
  "ALTER TABLE queue ADD COLUMN width $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN stagger_ms $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN max_failures $INT",
  "ALTER TABLE queue ADD COLUMN next_start_ms $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN wake_ms $INT", /* tasks are ready, and wait for next_start_ms */
  "ALTER TABLE queue ADD COLUMN succeeded $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN failed $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN cancelled $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN stopped $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN skipped $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue ADD COLUMN changes $INT NOT NULL DEFAULT 0",
  "CREATE UNIQUE INDEX queue_key ON queue (owner, submit_key) WHERE submit_key IS NOT NULL",
  "CREATE INDEX queue_owner ON queue (owner, seq)",
  "CREATE INDEX queue_wake ON queue (wake_ms) WHERE wake_ms IS NOT NULL",

  "ALTER TABLE queue_task ADD COLUMN name TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE queue_task ADD COLUMN app TEXT", /* NULL: the queue's */
  "ALTER TABLE queue_task ADD COLUMN dependents $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue_task ADD COLUMN changed $INT NOT NULL DEFAULT 0",
  "ALTER TABLE queue_task ADD COLUMN started_ms $INT",
  "ALTER TABLE queue_task ADD COLUMN cancel_ms $INT", /* when to ask for it, until it has ended */
  "ALTER TABLE queue_task ADD COLUMN cancel_tries $INT NOT NULL DEFAULT 0",

  /* Tasks that run have perhaps been published. */
  "UPDATE queue_task SET changed = seq,"
  " sent = CASE WHEN status = 'running' AND sent = 0 THEN 2 ELSE sent END,"
  " dependents = (SELECT count (*) FROM queue_need WHERE needs = queue_task.task_id)",
  "UPDATE queue SET changes = (SELECT coalesce (max (seq), 0) FROM queue_task t"
  " WHERE t.queue_id = queue.queue_id),"
  " succeeded = (SELECT count (*) FROM queue_task t WHERE t.queue_id = queue.queue_id"
  " AND t.status = 'finish' AND t.flag = 'true' AND t.worker_flag = 1),"
  " failed = (SELECT count (*) FROM queue_task t WHERE t.queue_id = queue.queue_id"
  " AND t.status = 'finish' AND NOT (t.flag = 'true' AND t.worker_flag = 1)),"
  " stopped = (SELECT count (*) FROM queue_task t WHERE t.queue_id = queue.queue_id"
  " AND t.status = 'stopped'),"
  " skipped = (SELECT count (*) FROM queue_task t WHERE t.queue_id = queue.queue_id"
  " AND t.status = 'skipped')",

  "CREATE INDEX queue_task_changed ON queue_task (queue_id, changed)",
  "CREATE INDEX queue_task_ready ON queue_task (queue_id, seq)"
  " WHERE status = 'pendding' AND waits_for = 0",
  "CREATE INDEX queue_task_claimed ON queue_task (seq) WHERE status = 'running' AND sent = 2",
  "CREATE INDEX queue_task_cancel ON queue_task (cancel_ms)"
  " WHERE status = 'running' AND cancel_ms IS NOT NULL",
  NULL
};

const ElvesStoreMigration elves_queue_migrations[] = { { version_1 }, { version_2 }, { NULL } };
