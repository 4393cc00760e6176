/* What the parts of the desk share.
 *
 * desk.c         which request it is, and its answer's way back
 * desk-agents.c  agents
 * desk-named.c   which job is meant: cancelJob, readOutput */
#pragma once

#include "common/component-request.h"
#include "common/json-writer.h"
#include "scheduler/desk.h"

G_BEGIN_DECLS

#define ELVES_DESK_IP "[403.1]Request Params (ip) Illegal"
#define ELVES_DESK_PARAM "[403.2]Request Params (param) Illegal"

/* One request, until its answer is confirmed. */
typedef struct
{
  ElvesDesk *desk;
  ElvesRequest *request;
  guint64 epoch, tag;
  ElvesInstruct *question; /* (nullable) names a job, and its agent */
  gint64 offset;           /* readOutput */
  guint tries;             /* cancelJob */
  ElvesDeadline timer;
  GList place; /* in the desk's visits */
} ElvesVisit;

struct ElvesDesk
{
  ElvesDeskParts parts;
  GQueue visits; /* of ElvesVisit */
};

/* The two ends of a visit; each takes it. @body: (transfer full): the whole mqbody. */
void elves_visit_answer (ElvesVisit *self, GString *body);
void elves_visit_refuse (ElvesVisit *self, const char *error_text, const char *detail);
/* An object with flag and error, open for more. */
GString *elves_visit_begin_answer (void);

/* Each takes the visit. */
void elves_desk_agents (ElvesVisit *visit);
void elves_desk_cancel_job (ElvesVisit *visit);
void elves_desk_read_output (ElvesVisit *visit);

G_END_DECLS
