/* Which signatures were seen within their time: a request is taken once. Pure, bounded. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesReplayMemory ElvesReplayMemory;

ElvesReplayMemory *elves_replay_memory_new (guint limit, gint64 keep_s);
void elves_replay_memory_free (ElvesReplayMemory *self);
/* FALSE: it was seen, or there is no room to remember it: it cannot be told from a replay. */
gboolean elves_replay_memory_take (ElvesReplayMemory *self, const char *sign, gint64 now_s);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesReplayMemory, elves_replay_memory_free)

G_END_DECLS
