/* submitQueue as a value: a queue with all its tasks, read and checked. Pure, but for the ids that
 * its tasks get. */
#pragma once

#include "common/component-request.h"
#include "queue/changes.h"
#include "queue/members.h"

G_BEGIN_DECLS

typedef struct
{
  char *app, *name, *owner, *extra;
  char *key; /* (nullable) */
  ElvesOnFailure on_failure;
  gint64 width, stagger_ms;
  gint64 max_failures; /* -1: no limit */
  GPtrArray *tasks;    /* of ElvesQueueTask, with their ids, in the order of the request */
  gint64 bytes;        /* that count for max_bytes */
  char *content;       /* a sum of all that is asked for: the same for the same queue */
} ElvesQueueSubmission;

typedef struct
{
  ElvesOnFailure on_failure; /* unless it says another one */
  gint default_timeout_s;
  guint max_tasks;
} ElvesQueueSubmissionRules;

#define ELVES_QUEUE_MAX_NAME 255 /* bytes: of queues, tasks, apps */

/* One element of tasks. NULL: @refusal says why not. */
ElvesQueueTask *elves_queue_submission_read_task (ElvesJsonValue value,
                                                  gint default_timeout_s,
                                                  GPtrArray *after,
                                                  ElvesRefusal *refusal);
/* NULL: @out_refusal says why not. */
ElvesQueueSubmission *elves_queue_submission_read (const ElvesRequest *request,
                                                   const ElvesQueueSubmissionRules *rules,
                                                   ElvesRefusal *out_refusal);
void elves_queue_submission_free (ElvesQueueSubmission *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueSubmission, elves_queue_submission_free)

G_END_DECLS
