/* What an earlier leader has published, told by the broker.
 *
 * Between the publication of a job and its mark in the database a leader may die. Its successor
 * then finds it open, and cannot know from the database whether it went out. So each publication
 * also goes, by the same act of the broker, into a queue for copies, which keeps the youngest ones.
 */
#pragma once

#include "cron/config.h"

G_BEGIN_DECLS

typedef struct ElvesCronWitness ElvesCronWitness;

typedef struct
{
  /* The queue is there: what is published from now on leaves a copy. Also after each lost
     connection. */
  void (*there) (gpointer user_data);
  /* @keys: of char *: of the executions whose copies are there. From the loop, once. */
  void (*read) (GHashTable *keys, gpointer user_data);
} ElvesCronWitnessCallbacks;

/* (transfer full): the name of the queue, and the routing key of copies. */
char *elves_cron_witness_queue (const ElvesCronConfig *config);
/* Makes the queue if there is none; reads it only when @reads, else there are no keys. */
ElvesCronWitness *elves_cron_witness_new (const ElvesCronConfig *config,
                                          gboolean reads,
                                          const ElvesCronWitnessCallbacks *callbacks,
                                          gpointer user_data);
void elves_cron_witness_free (ElvesCronWitness *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronWitness, elves_cron_witness_free)

G_END_DECLS
