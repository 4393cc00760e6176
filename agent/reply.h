/* Where the answer to one instruct goes. Main thread only. */
#pragma once

#include "common/thrift-channel.h"

G_BEGIN_DECLS

typedef struct ElvesReply ElvesReply;
typedef struct ElvesReplyList ElvesReplyList;

/* Each is ended by exactly one elves_reply_give(). */
ElvesReply *elves_reply_to_call (ElvesThriftCall *call);
ElvesReply *elves_reply_to_channel (ElvesThriftChannel *channel, gint32 number);

/* The answers to one call, which is answered when all are there and the list is sealed. */
ElvesReplyList *elves_reply_list_new (ElvesThriftCall *call, guint n_answers);
ElvesReply *elves_reply_to_list (ElvesReplyList *list, guint index);
void elves_reply_list_seal (ElvesReplyList *self);

void elves_reply_give (ElvesReply *self, ElvesReinstruct *answer); /* frees it */

G_END_DECLS
