/* One connection to RabbitMQ: what it needs declared, messages taken, and what became of them. For
 * one thread. Nothing waits but opening, closing, and a socket that takes nothing. */
#pragma once

#include "client/item.h"

G_BEGIN_DECLS

typedef struct ElvesClientBroker ElvesClientBroker;

/* Connects to that of the servers, declares, subscribes. @settings outlives it. */
ElvesClientBroker *elves_client_broker_open (const ElvesClientSettings *settings,
                                             guint server,
                                             const char *const *bindings,
                                             guint epoch,
                                             GError **error);
void elves_client_broker_free (ElvesClientBroker *self);
int elves_client_broker_fd (const ElvesClientBroker *self);
/* Something to take that was read already: poll() would not tell. */
gboolean elves_client_broker_has_more (const ElvesClientBroker *self);

/* @out_item: (nullable) NULL: nothing has come. FALSE: the connection is of no use any more. */
gboolean
elves_client_broker_next (ElvesClientBroker *self, ElvesClientItem **out_item, GError **error);

/* Takes @item: acknowledged, or put where it waits for its next try, or aside. Of an older
   connection: nothing, the broker gives it out again. */
gboolean
elves_client_broker_settle (ElvesClientBroker *self, ElvesClientItem *item, GError **error);
/* Put somewhere, and not yet confirmed. */
guint elves_client_broker_unconfirmed (const ElvesClientBroker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesClientBroker, elves_client_broker_free)

G_END_DECLS
