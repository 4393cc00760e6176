/* All jobs in flight, and how to find one: by what an agent's result says, and, after a lost
   connection to the broker, by what a redelivered message asks. Main thread only. */
#pragma once

#include "scheduler/flight.h"

G_BEGIN_DECLS

typedef struct ElvesJobTable ElvesJobTable;

/* @prefetch: how many deliveries the broker leaves unacknowledged. */
/* @remember: how many executions that ended are known for late results. */
ElvesJobTable *elves_job_table_new (guint prefetch, guint remember);
void elves_job_table_free (ElvesJobTable *self);
guint elves_job_table_size (ElvesJobTable *self); /* in flight; settled ones not counted */

void elves_job_table_add (ElvesJobTable *self, ElvesFlight *flight);    /* takes a reference */
void elves_job_table_remove (ElvesJobTable *self, ElvesFlight *flight); /* it has ended */
void elves_job_table_drop (ElvesJobTable *self, ElvesFlight *flight);   /* others will end it */
void elves_job_table_rekey (ElvesJobTable *self, ElvesFlight *flight, const char *execution);

/* Whether the asker has been told how this execution ended, as far as it is remembered. */
gboolean elves_job_table_is_final (ElvesJobTable *self, const ElvesInstruct *instruct);
void elves_job_table_add_final (ElvesJobTable *self, const ElvesInstruct *instruct);

void elves_job_table_foreach (ElvesJobTable *self,
                              void (*func) (ElvesFlight *flight, gpointer user_data),
                              gpointer user_data); /* may not change the table */

/* The connection with this epoch is gone, the broker gives its deliveries out again. */
void elves_job_table_lose_deliveries (ElvesJobTable *self, guint64 epoch);

/* The flights that wait for the result of @instruct: all of its execution key; without a key, the
   one of its type and id that has waited longest. (transfer full) of ElvesFlight, perhaps none. */
GPtrArray *elves_job_table_find_result (ElvesJobTable *self, const ElvesInstruct *instruct);

typedef enum
{
  ELVES_REDELIVERY_NEW,      /* nothing is known of it */
  ELVES_REDELIVERY_ATTACHED, /* it is in flight here: it now answers for this delivery */
  ELVES_REDELIVERY_SETTLED   /* it has been answered: acknowledge it */
} ElvesRedelivery;

/* A message the broker gave out again asks for @job. @out_flight: (transfer full) (nullable) what
   is attached. */
ElvesRedelivery elves_job_table_match_redelivery (ElvesJobTable *self,
                                                  const ElvesJob *job,
                                                  guint64 epoch,
                                                  guint64 tag,
                                                  ElvesFlight **out_flight);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesJobTable, elves_job_table_free)

G_END_DECLS
