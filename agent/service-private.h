/* What the parts of the service share: service.c, service-named.c, promise*.c. */
#pragma once

#include "agent/reply.h"
#include "agent/service.h"
#include "common/log.h"

G_BEGIN_DECLS

/* Values of `state` in an acknowledgement. */
#define ELVES_SERVICE_ACCEPTED 0
#define ELVES_SERVICE_RUNNING 1
#define ELVES_SERVICE_FINISHED 2
#define ELVES_SERVICE_TAKEN 3
#define ELVES_SERVICE_NEVER_SEEN 4

struct ElvesService
{
  ElvesServiceParts parts;
  ElvesLogThrottle origin_log;
  GHashTable *promised;   /* execution key -> ElvesPromise: here, outcome not yet in the journal */
  GQueue backlog;         /* of ElvesPromise: from an earlier agent, no room yet */
  GSource *backlog_timer; /* (nullable) while there are some */
};

/* Counts an acknowledgement, gives it and frees it. */
void elves_service_answer_async (ElvesReply *reply, ElvesReinstruct *answer);

ElvesReinstruct *elves_service_acknowledge (ElvesInstruct *instruct, gint32 state);
char *elves_service_choose_origin (ElvesService *self,
                                   const ElvesInstruct *instruct,
                                   GInetAddress *caller);

/* service-named.c; each takes the call. */
void elves_service_cancel (ElvesService *self, ElvesThriftCall *call);
void elves_service_read_output (ElvesService *self, ElvesThriftCall *call);

/* With a journal. */
void elves_service_promise_async (ElvesService *self,
                                  ElvesInstruct *instruct,
                                  GInetAddress *caller,
                                  ElvesReply *reply);
void elves_service_promise_sync (ElvesService *self, ElvesInstruct *instruct, ElvesReply *reply);
/* Of a job that is promised, and not with the executor. */
ElvesCancelled elves_service_cancel_promise (ElvesService *self, const ElvesInstruct *question);
void elves_service_promises_init (ElvesService *self);
void elves_service_promises_clear (ElvesService *self);

G_END_DECLS
