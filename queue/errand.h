/* One request on its way through the store: what desk.c, which moves it, and actions.c, which knows
   what it means, share. */
#pragma once

#include "common/log.h"
#include "queue/desk.h"
#include "queue/order.h"
#include "queue/views.h"

G_BEGIN_DECLS

typedef struct ElvesQueueErrand ElvesQueueErrand;

struct ElvesQueueDesk
{
  ElvesQueueDeskOptions options;
  ElvesComponent *component;
  ElvesQueueOutbox *outbox;
  GHashTable *errands; /* of ElvesQueueErrand: all that have not ended */
  ElvesLogThrottle failure_log, bad_log;
};

struct ElvesQueueErrand
{
  ElvesQueueDesk *desk;
  ElvesRequest *request; /* (nullable) it was ended */
  const struct ElvesQueueErrandKind *kind;
  ElvesQueueChange change;
  guint rest; /* GSource id: until it is tried again */

  /* what is asked for; read before it goes to the store */
  char *queue_id, *app;
  ElvesOnFailure on_failure;
  ElvesQueueTask *task;
  ElvesComponentResult result;
  ElvesQueuePage page;

  /* what came of it; set anew by each run */
  ElvesQueueVerdict verdict;
  ElvesQueueViewVerdict view_verdict;
  char *id;
  GString *body;
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
  ELVES_QUEUE_MAX_ACTIONS = 16
};

extern const char *const elves_queue_action_names[]; /* NULL-terminated */
const ElvesQueueErrandKind *elves_queue_errand_kind (const char *action);
void elves_queue_errand_refuse (ElvesQueueErrand *self, const char *error_text, const char *detail);

G_END_DECLS
