/* What the parts of the Romens door share. Nobody else includes this.
 *
 * romens.c          paths and methods: the table of calls
 * romens-call.c     one call: reading, asking elves-cron, answering
 * romens-tasks.c    the calls about tasks
 * romens-reports.c  the calls about executions: reports, history */
#pragma once

#include "openapi/door.h"
#include "openapi/parameters.h"
#include "openapi/romens-order.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesDoorParts parts;
} ElvesRomens;

typedef struct
{
  const ElvesRomens *door;
  ElvesHttpRequest *request;
  char *id; /* (nullable) of the path: a task's, or an execution's token */
  ElvesRomensPage page;
} ElvesRomensCall;

/* Each ends the call. @body: taken; NULL in answer_or_fail: elves-cron's answer made no sense. */
void elves_romens_call_answer (ElvesRomensCall *self, guint status, GString *body);
void elves_romens_call_answer_or_fail (ElvesRomensCall *self, GString *body);
void elves_romens_call_fail (ElvesRomensCall *self, guint code, const char *message);
/* With 400, and without the @body that was begun. */
void elves_romens_call_refuse (ElvesRomensCall *self, GString *body, const GError *error);
/* (transfer full): {"code":...,"message":...}. */
GString *elves_romens_fault_body (guint code, const char *message);

/* (nullable): what was sent is none, and the call has ended. */
ElvesJsonObject *elves_romens_call_read_body (ElvesRomensCall *self);
ElvesParameters *elves_romens_call_read_query (ElvesRomensCall *self);

/* Takes @body, an open object. @func: with the call as its data. */
void elves_romens_call_ask (ElvesRomensCall *self,
                            const char *action,
                            GString *body,
                            ElvesCallerFunc func);
/* FALSE: it did not, and the call has ended. */
gboolean elves_romens_call_went_well (ElvesRomensCall *self,
                                      const ElvesCallerAnswer *said,
                                      const GError *error);

void elves_romens_start_create (ElvesRomensCall *self);
void elves_romens_start_quick (ElvesRomensCall *self);
void elves_romens_start_replace (ElvesRomensCall *self);
void elves_romens_start_delete (ElvesRomensCall *self);
void elves_romens_start_list (ElvesRomensCall *self);
void elves_romens_start_report (ElvesRomensCall *self);
void elves_romens_start_history (ElvesRomensCall *self);

G_END_DECLS
