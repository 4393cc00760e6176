/* Which deliveries of one channel are not settled yet, and which settlements are to be sent. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesAmqpLedger ElvesAmqpLedger;

typedef enum
{
  ELVES_SETTLE_ACK,
  ELVES_SETTLE_REQUEUE
} ElvesSettlement;

typedef void (*ElvesSettleFunc) (guint64 tag,
                                 gboolean multiple,
                                 ElvesSettlement settlement,
                                 gpointer user_data);

ElvesAmqpLedger *elves_amqp_ledger_new (void);
void elves_amqp_ledger_free (ElvesAmqpLedger *self);
void elves_amqp_ledger_add (ElvesAmqpLedger *self, guint64 tag);
void elves_amqp_ledger_settle (ElvesAmqpLedger *self, guint64 tag, ElvesSettlement settlement);
void elves_amqp_ledger_flush (ElvesAmqpLedger *self, ElvesSettleFunc settle, gpointer user_data);
guint elves_amqp_ledger_outstanding (const ElvesAmqpLedger *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAmqpLedger, elves_amqp_ledger_free)

G_END_DECLS
