/* Publications the broker has and has not confirmed, by their number on the channel. Pure. */
#pragma once

#include "common/amqp.h"

G_BEGIN_DECLS

#define ELVES_AMQP_WINDOW_SIZE 1024u /* a power of 2 */

typedef struct
{
  ElvesPublication *publication;
  ElvesWantedFunc wanted;       /* (nullable) */
  ElvesPublishedFunc published; /* (nullable) */
  gpointer user_data;
  gboolean returned; /* by the broker: it reached no queue */
} ElvesAmqpEntry;

void elves_amqp_entry_free (ElvesAmqpEntry *self);

typedef struct
{
  ElvesAmqpEntry *entries[ELVES_AMQP_WINDOW_SIZE]; /* NULL: confirmed */
  guint64 first, next;                             /* first <= a number here < next */
  guint unconfirmed;                               /* those that are not NULL */
} ElvesAmqpWindow;

typedef void (*ElvesConfirmedFunc) (ElvesAmqpEntry *entry, gboolean accepted, gpointer user_data);

void elves_amqp_window_init (ElvesAmqpWindow *self);
gboolean elves_amqp_window_is_full (const ElvesAmqpWindow *self);
void elves_amqp_window_add (ElvesAmqpWindow *self, ElvesAmqpEntry *entry);
gboolean elves_amqp_window_confirm (ElvesAmqpWindow *self,
                                    guint64 number,
                                    gboolean multiple,
                                    gboolean accepted,
                                    ElvesConfirmedFunc confirmed,
                                    gpointer user_data);
void elves_amqp_window_mark_returned (ElvesAmqpWindow *self,
                                      const char *exchange,
                                      const char *routing_key,
                                      GBytes *body);
const ElvesAmqpEntry *elves_amqp_window_peek_first (const ElvesAmqpWindow *self);
ElvesAmqpEntry *elves_amqp_window_take_first (ElvesAmqpWindow *self);
void elves_amqp_window_rewind (ElvesAmqpWindow *self, GQueue *waiting);

G_END_DECLS
