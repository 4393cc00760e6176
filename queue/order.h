/* What a request asks for, read from its members and checked. Pure. Errors are texts of the
   interface, with what, where, why beside it. */
#pragma once

#include "common/component-request.h"
#include "queue/changes.h"
#include "queue/members.h"

G_BEGIN_DECLS

/* The members of createQueue. @fallback: unless it asks for another policy */
gboolean elves_queue_read_create (const ElvesRequest *request,
                                  ElvesOnFailure fallback,
                                  char **out_app,
                                  ElvesOnFailure *out_on_failure,
                                  ElvesRefusal *out_refusal);
/* The members of addTask, without the queue. */
ElvesQueueTask *elves_queue_read_task (const ElvesRequest *request,
                                       gint default_timeout_s,
                                       ElvesRefusal *out_refusal);
/* The member id of all but createQueue and taskResult. (transfer full), NULL: refused */
char *elves_queue_read_id (const ElvesRequest *request, ElvesRefusal *out_refusal);
/* pagesize and pagenumber, the first page is 1; *out_size 0: all. */
gboolean elves_queue_read_page (const ElvesRequest *request,
                                guint *out_size,
                                guint *out_number,
                                ElvesRefusal *out_refusal);

G_END_DECLS
