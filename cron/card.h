/* A timed task as it is shown: the plan, and how its last execution ended. */
#pragma once

#include "cron/plan.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesCronPlan *plan; /* (nullable): there is none */
  gint64 last_us;      /* 0: no outcome yet */
  gboolean last_flag;
  char *last_error, *last_message; /* (nullable) */
  gint last_worker_flag, last_cost_ms;
} ElvesCronCard;

void elves_cron_card_clear (ElvesCronCard *self);
void elves_cron_card_free (ElvesCronCard *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronCard, elves_cron_card_free)

#define ELVES_CRON_CARD_COLUMNS \
  ELVES_CRON_PLAN_COLUMNS       \
  ", last_us, last_flag, last_error, last_worker_flag, last_message, last_cost_ms"

/* Replaces what is in @self; from column 0 on. */
void elves_cron_card_read (ElvesCronCard *self, ElvesStoreRows *rows);
/* In a work. One that was deleted is found, too: see plan->deleted_us. FALSE: the store failed. */
gboolean
elves_cron_card_find (ElvesCronCard *self, ElvesStoreTx *tx, const char *id, GError **error);

/* For filters, and for people. */
gboolean elves_cron_card_is_expired (const ElvesCronCard *self, gint64 now_us);
gboolean elves_cron_card_is_max_reached (const ElvesCronCard *self);

G_END_DECLS
