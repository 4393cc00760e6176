/* Actions, and what the files that know them share. */
#pragma once

#include "queue/card-parts.h"
#include "queue/cards.h"
#include "queue/errand.h"

G_BEGIN_DECLS

extern const ElvesQueueErrandKind elves_queue_action_submit, elves_queue_action_detail,
    elves_queue_action_find, elves_queue_action_tasks, elves_queue_action_changes,
    elves_queue_action_cancel, elves_queue_action_cancel_task;

/* A member of a request. */
ElvesQueueMember elves_queue_member (const ElvesRequest *request, const char *name);
/* Reads the member id. */
gboolean elves_queue_action_read_id (ElvesQueueErrand *self, ElvesRefusal *out_refusal);
/* Reads id, limit, and the number after which it begins. */
gboolean elves_queue_action_read_range (ElvesQueueErrand *self,
                                        const char *after,
                                        ElvesRefusal *out_refusal);

G_END_DECLS
