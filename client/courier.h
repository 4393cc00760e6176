/* The thread that has the connection: brings messages to the one that handles them, and tells the
 * broker what became of them; connects again for ever. */
#pragma once

#include "client/item.h"

G_BEGIN_DECLS

typedef struct ElvesClientCourier ElvesClientCourier;

/* Messages come to @inbox (of ElvesClientItem). @settings outlives it. Errors: no descriptor. */
ElvesClientCourier *elves_client_courier_new (const ElvesClientSettings *settings,
                                              const char *const *bindings,
                                              GAsyncQueue *inbox,
                                              GError **error);
/* Settles what was handed back, ends. Not from its own thread. */
void elves_client_courier_free (ElvesClientCourier *self);

/* Takes @item, which was handled. Any thread. */
void elves_client_courier_hand_back (ElvesClientCourier *self, ElvesClientItem *item);
/* Whether the connection it came by is gone: then it comes again, and need not be handled. */
gboolean elves_client_courier_is_stale (const ElvesClientCourier *self,
                                        const ElvesClientItem *item);
/* Whether it gets messages, within so many ms. */
gboolean elves_client_courier_wait (ElvesClientCourier *self, guint timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesClientCourier, elves_client_courier_free)

G_END_DECLS
