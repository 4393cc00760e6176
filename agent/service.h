/* AgentService: what callers may ask of this agent. */
#pragma once

#include "agent/execution.h"
#include "agent/outbox.h"
#include "agent/output-keep.h"
#include "agent/processor.h"
#include "agent/schedulers.h"
#include "common/thrift-server.h"

G_BEGIN_DECLS

typedef struct ElvesService ElvesService;

/* All must outlive the service, and the service every job that it started. */
typedef struct
{
  ElvesExecutor *executor;
  ElvesOutbox *outbox;
  ElvesProcessor *processor;
  ElvesSchedulers *schedulers;
  ElvesJournal *journal; /* (nullable) */
  ElvesOutputKeep *outputs;
  void (*idle) (gpointer data); /* (nullable) an outcome has been written */
  gpointer idle_data;
} ElvesServiceParts;

ElvesService *elves_service_new (const ElvesServiceParts *parts);
void elves_service_free (ElvesService *self);
void elves_service_call (ElvesService *self, ElvesThriftCall *call);

/* What an earlier agent has left in the journal. */
void elves_service_resume (ElvesService *self, ElvesInstruct *instruct, const char *origin);
void elves_service_conclude (ElvesService *self,
                             ElvesReinstruct *result,
                             gboolean sync,
                             const char *origin);
guint elves_service_count (const ElvesService *self); /* promises not yet in journal or outbox */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesService, elves_service_free)

G_END_DECLS
