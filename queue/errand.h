/* One request on its way through the store: what desk.c, which moves it, and actions.c, which knows
   what it means, share. */
#pragma once

#include "common/log.h"
#include "queue/cards.h"
#include "queue/desk.h"
#include "queue/order.h"
#include "queue/stopping.h"
#include "queue/submit.h"
#include "queue/views.h"

G_BEGIN_DECLS

typedef struct ElvesQueueErrand ElvesQueueErrand;

struct ElvesQueueDesk
{
  ElvesQueueDeskOptions options;
  ElvesComponent *component;
  ElvesQueueHerald *herald;
  ElvesQueueWaiters *waiters;
  GHashTable *errands; /* of ElvesQueueErrand: all that have not ended */
  ElvesLogThrottle failure_log, bad_log;
};

struct ElvesQueueErrand
{
  ElvesQueueDesk *desk;
  ElvesRequest *request; /* (nullable) it was ended */
  const struct ElvesQueueErrandKind *kind;
  ElvesQueueChange change;
  ElvesQueueEffects effects;
  guint rest; /* GSource id: until it is tried again */

  /* what is asked for; read before it goes to the store */
  char *queue_id, *app;
  char *task_id; /* cancelTask */
  ElvesOnFailure on_failure;
  ElvesQueueTask *task;
  ElvesComponentResult result;
  ElvesQueuePage page;
  ElvesQueueSubmission *submission;
  ElvesRefusal refusal; /* of what is read on the thread */
  ElvesQueueFind find;
  ElvesQueueTasksQuery tasks_query;
  gint64 until_us; /* queueChanges: g_get_monotonic_time() */
  gboolean waits;  /* among the waiters */

  /* what came of it; set anew by each run */
  ElvesQueueVerdict verdict;
  ElvesQueueViewVerdict view_verdict;
  char *id;
  GString *body;
  ElvesQueueSubmitted submitted;
  gboolean has_news;
  ElvesQueueCancelled cancelled;
};

typedef struct ElvesQueueErrandKind
{
  gboolean (*read) (ElvesQueueErrand *self, ElvesRefusal *out_refusal);       /* on the loop */
  gboolean (*run) (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error); /* on the thread */
  void (*done) (ElvesQueueErrand *self); /* on the loop: it is recorded; answers */
  gboolean is_cast;                      /* nobody waits, nothing may be lost */
} ElvesQueueErrandKind;

enum
{
  ELVES_QUEUE_MAX_ACTIONS = 24
};

const char *elves_queue_action_name (guint i); /* (nullable) from 0; NULL: there are no more */
const ElvesQueueErrandKind *elves_queue_errand_kind (const char *action);
void elves_queue_errand_refuse (ElvesQueueErrand *self, const char *error_text, const char *detail);
void elves_queue_errand_refuse_verdict (ElvesQueueErrand *self, const char *detail);
/* From done(): run again when its queue changes. FALSE: too many wait. */
gboolean elves_queue_errand_wait (ElvesQueueErrand *self);
void elves_queue_errand_answer (ElvesQueueErrand *self, GString *body); /* takes it */

G_END_DECLS
