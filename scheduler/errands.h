/* Calls to agents that are about jobs, and are none: cancel, readOutput. On connections of their
   own, so that no job waits for them, nor they for jobs. Kept for a while: who reads asks again. */
#pragma once

#include "common/deadlines.h"
#include "common/rpc-codec.h"
#include "common/thrift-link.h"

G_BEGIN_DECLS

typedef struct ElvesErrands ElvesErrands;

typedef struct
{
  ElvesThriftLinkOptions link;
  guint timeout_ms; /* of an answer, connecting included */
  guint idle_s;     /* a connection idle for longer is closed */
  guint max_links;  /* to all agents together */
} ElvesErrandOptions;

typedef struct
{
  const char *host;
  guint16 port;
  ElvesRpcMethod method;   /* CANCEL, READ_OUTPUT */
  ElvesInstruct *question; /* a reference is taken */
  gint64 offset;           /* READ_OUTPUT */
  gint32 limit;
} ElvesErrand;

/* Valid during the call. */
typedef struct
{
  const ElvesReinstruct *answer; /* (nullable) of CANCEL */
  const ElvesOutputChunk *chunk; /* (nullable) of READ_OUTPUT */
  gboolean is_unknown;           /* the agent does not know the method */
  const char *problem;           /* (nullable) why there is no answer */
} ElvesErrandEnd;

/* Once, from the main loop, never from inside. */
typedef void (*ElvesErrandFunc) (const ElvesErrandEnd *end, gpointer user_data);

ElvesErrands *elves_errands_new (ElvesPoller *poller,
                                 ElvesDeadlines *deadlines,
                                 const ElvesErrandOptions *options);
void elves_errands_free (ElvesErrands *self); /* what is under way is forgotten: no callback */
void elves_errands_run (ElvesErrands *self,
                        const ElvesErrand *errand,
                        ElvesErrandFunc func,
                        gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesErrands, elves_errands_free)

G_END_DECLS
