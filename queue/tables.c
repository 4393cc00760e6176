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

const ElvesStoreMigration elves_queue_migrations[] = { { version_1 }, { NULL } };
