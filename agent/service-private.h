/* What the two halves of the service share. */
#pragma once

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
  GHashTable
      *promised;  /* execution key -> Promise: accepted here, outcome not yet in the journal */
  GQueue backlog; /* of Promise: from an earlier agent, no room yet */
  GSource *backlog_timer; /* (nullable) while there are some */
};

/* The answers of one instructionInvokeAsync, until all are there. */
typedef struct
{
  ElvesThriftCall *call;
  GPtrArray *answers; /* of ElvesReinstruct, in the order of the call; NULL: to come */
  guint missing;
} ElvesAsyncCall;

void elves_async_call_answer (ElvesAsyncCall *self, guint index, ElvesReinstruct *answer);

ElvesReinstruct *elves_service_acknowledge (ElvesInstruct *instruct, gint32 state);
char *elves_service_choose_origin (ElvesService *self,
                                   const ElvesInstruct *instruct,
                                   GInetAddress *caller);

/* With a journal. */
void elves_service_promise_async (ElvesService *self,
                                  ElvesInstruct *instruct,
                                  GInetAddress *caller,
                                  ElvesAsyncCall *call,
                                  guint index);
void
elves_service_promise_sync (ElvesService *self, ElvesInstruct *instruct, ElvesThriftCall *call);
void elves_service_promises_init (ElvesService *self);
void elves_service_promises_clear (ElvesService *self);

G_END_DECLS
