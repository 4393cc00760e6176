/* The way back to a peer that sends lists of instructions: each gets its answer by its number, on
   the connection on which it came, in any order. Main thread only. */
#pragma once

#include "common/thrift-server.h"

G_BEGIN_DECLS

typedef struct ElvesThriftChannel ElvesThriftChannel;

/* (transfer full): of the connection of an instructionInvokeList, during its call. */
ElvesThriftChannel *elves_thrift_call_channel (ElvesThriftCall *call);
ElvesThriftChannel *elves_thrift_channel_ref (ElvesThriftChannel *self);
void elves_thrift_channel_unref (ElvesThriftChannel *self); /* NULL is fine */

/* One answer more is due; while some are, the connection is not closed as idle. */
void elves_thrift_channel_expect (ElvesThriftChannel *self);
/* One that was; dropped when the connection has gone. */
void elves_thrift_channel_answer (ElvesThriftChannel *self, gint32 call, ElvesReinstruct *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesThriftChannel, elves_thrift_channel_unref)

G_END_DECLS
