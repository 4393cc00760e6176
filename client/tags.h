/* Which handler a message is for. Pure, but for calling them. */
#pragma once

#include "client/elves-client.h"

G_BEGIN_DECLS

typedef struct ElvesClientTags ElvesClientTags;

ElvesClientTags *elves_client_tags_new (void);
void elves_client_tags_free (ElvesClientTags *self);
/* @expression: a tag, several with || between them, or * for all. One of both handlers. A tag that
   has a handler gets this one instead. Errors: ELVES_CONSUMER_ERROR_INVALID, then nothing is added.
 */
gboolean elves_client_tags_add (ElvesClientTags *self,
                                const char *expression,
                                ElvesConsumerHandler handler,
                                ElvesConsumerSimpleHandler simple,
                                gpointer user_data,
                                GError **error);

/* (transfer full): what the queue is to be bound with; NULL-terminated. */
GStrv elves_client_tags_bindings (const ElvesClientTags *self);

/* The handler of the tag itself, and then that of all; none: TRUE. FALSE: one failed, and @error
   says why. */
gboolean elves_client_tags_call (const ElvesClientTags *self,
                                 const ElvesConsumerMessage *message,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesClientTags, elves_client_tags_free)

G_END_DECLS
