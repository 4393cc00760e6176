/* What the parts of the v3 API share. Nobody else includes this.
 *
 * v3.c            a request: its route, its caller's rights, its body
 * v3-routes.c     all routes: one table
 * v3-call.c       one request that is being answered: asks components, says what went wrong
 * v3-query.c      parameters of the query, pages, how long to wait
 * v3-fields.c     members of JSON from clients; v3-tell.c: JSON for them
 * v3-problem.c    errors (RFC 9457)
 * v3-targets.c    which agents are meant, and whether the caller may use them
 * v3-submit.c     what is common to making jobs and queues: keys, pace, waiting
 * v3-jobs.c       jobs: one function on many agents
 * v3-queues.c     jobs and queues, when they are there; -show.c: what is told of them;
 *                 -create.c: tasks that wait for each other
 * v3-events.c     what happens to them: waiting, long-poll, server-sent events
 * v3-output.c     what a running task has written
 * v3-stream.c     server-sent events
 * v3-schedules.c  timed tasks; -read.c: what they are to be; -show.c: what is told of them
 * v3-agents.c     who is registered
 * v3-document.c   the OpenAPI document */
#pragma once

#include "common/json-writer.h"
#include "openapi/v3-fields.h"
#include "openapi/v3-problem.h"
#include "openapi/v3.h"

G_BEGIN_DECLS

#define ELVES_V3_PREFIX "/api/v3"
#define ELVES_V3_OWNER "v3"               /* of jobs and timed tasks */
#define ELVES_V3_QUEUES_OWNER "v3-queues" /* of queues */

enum
{
  ELVES_V3_IDS_MAX = 2
};

typedef struct ElvesV3 ElvesV3;
typedef struct ElvesV3Call ElvesV3Call;
typedef struct ElvesV3Stream ElvesV3Stream;

typedef struct
{
  const char *method;
  const char *path;           /* below the prefix: "/jobs/{job}/tasks/{task}" */
  const char *query;          /* names that may be given, separated by blanks */
  const ElvesV3Field *fields; /* (nullable) of the body; NULL: it has none */
  gboolean open;              /* to everybody */
  void (*start) (ElvesV3Call *call);
} ElvesV3Route;

extern const ElvesV3Route elves_v3_routes[]; /* ends with a NULL method */

/* One request; ends with exactly one answer, or as a stream. */
struct ElvesV3Call
{
  ElvesV3 *api;
  ElvesHttpRequest *request;
  const ElvesV3Route *route;
  ElvesParameters *query;
  char *ids[ELVES_V3_IDS_MAX]; /* the {...} of its path; NULL where it has fewer */
  GBytes *bytes;               /* the body, which @body points into */
  ElvesJsonObject *body;       /* (nullable) checked against route->fields */
  char *auth_id;
  ElvesV3Stream *stream; /* (nullable) of events; then there is no request any more */
  gpointer state;        /* of its operation */
  GDestroyNotify free_state;
};

struct ElvesV3
{
  ElvesDoorParts parts;
};

/* ---- v3-call.c ---- */

void elves_v3_call_free (ElvesV3Call *self);
/* @free_state comes with the end of the call, or when something else is kept. */
void elves_v3_call_keep (ElvesV3Call *self, gpointer state, GDestroyNotify free_state);
/* Takes @body, an object still open. @wait_ms: beside openapi.callTimeout. */
void elves_v3_ask (ElvesV3Call *self,
                   const char *to,
                   const char *action,
                   GString *body,
                   guint wait_ms,
                   ElvesCallerFunc func);
GString *elves_v3_open (void); /* (transfer full): an object */
/* These end the call, and take bodies. */
void elves_v3_answer (ElvesV3Call *self, guint status, GString *body);
void elves_v3_fail (ElvesV3Call *self, ElvesV3Problem problem);
void elves_v3_fail_with (ElvesV3Call *self,
                         guint status,
                         const char *code,
                         const char *detail,
                         const GString *errors);
/* The answer of a component went well; else the call has ended. */
gboolean
elves_v3_went_well (ElvesV3Call *self, const ElvesCallerAnswer *answer, const GError *error);
/* (transfer full) (nullable): the member "result"; NULL: the call has ended. */
ElvesJsonObject *
elves_v3_result (ElvesV3Call *self, const ElvesCallerAnswer *answer, const GError *error);
/* Adds an array: what @tell says of each element, which is an object. */
void elves_v3_add_objects (GString *out,
                           const char *name,
                           ElvesJsonValue list,
                           void (*tell) (GString *out, const ElvesJsonObject *element));
/* Adds the member @name: what @tell says of each element of the member "result". */
void elves_v3_add_list (GString *out,
                        const char *name,
                        const ElvesCallerAnswer *answer,
                        void (*tell) (GString *out, const ElvesJsonObject *element));

/* ---- v3-query.c ---- */

/* FALSE: it is no number within the limits; the call has ended. */
gboolean elves_v3_query_number (ElvesV3Call *self,
                                const char *name,
                                gint64 min,
                                gint64 max,
                                gint64 fallback,
                                gint64 *out_number);
/* "" when it was not given. */
const char *elves_v3_query_text (const ElvesV3Call *self, const char *name);
/* Of "page" and "size": adds them for a component. FALSE: the call has ended. */
gboolean elves_v3_query_page (ElvesV3Call *self, GString *body, gint64 *out_page, gint64 *out_size);
/* Adds "total", "page", "size" of a page. */
void elves_v3_add_page (GString *out, const ElvesCallerAnswer *answer, gint64 page, gint64 size);
/* How long the client would wait: ?wait=, or Prefer: wait=. 0: not. FALSE: the call has ended. */
gboolean elves_v3_query_wait (ElvesV3Call *self, guint *out_wait_ms);
gboolean elves_v3_wants_events (const ElvesV3Call *self); /* Accept: text/event-stream */

/* ---- v3-targets.c ---- */

/* @ips: (transfer full) */
typedef void (*ElvesV3TargetsFunc) (ElvesV3Call *call, GPtrArray *ips);

/* Who is meant by "agent", "agents", "selector", "all" of the body, and may be used. @func comes
   with that, unless the call has ended. */
void elves_v3_targets_find (ElvesV3Call *self, ElvesV3TargetsFunc func);
/* Whether the caller may use @apps (one for all, or one for each) on @ips; it takes both. */
void elves_v3_targets_permit (ElvesV3Call *self,
                              GPtrArray *apps,
                              GPtrArray *ips,
                              ElvesV3TargetsFunc func);
gboolean elves_v3_is_agent (const char *text); /* an IP address as agents are named */

/* ---- v3-queues.c, -show.c ---- */

/* A job and a queue are the same to elves-queue, but for their owner. */
gboolean elves_v3_is_job (const ElvesV3Call *self);
const char *elves_v3_owner (const ElvesV3Call *self);
void elves_v3_ask_queue (ElvesV3Call *self, const char *id, ElvesCallerFunc func);
/* (transfer full) (nullable): what was asked; NULL: there is none of this owner; the call has
   ended. */
ElvesJsonObject *
elves_v3_own_queue (ElvesV3Call *self, const ElvesCallerAnswer *answer, const GError *error);
void elves_v3_tell_job (GString *out, const ElvesJsonObject *queue);
void elves_v3_tell_queue (GString *out, const ElvesJsonObject *queue);
void elves_v3_tell_task (GString *out, const ElvesJsonObject *task);
gboolean elves_v3_queue_has_ended (const ElvesJsonObject *queue);
/* Answers with the queue as it is: 200 when it has ended, else @status; with its first tasks, too.
 */
void elves_v3_show_queue (ElvesV3Call *self, const char *id, guint status, gboolean with_tasks);

/* ---- v3-submit.c ---- */

/* Opens the members of submitQueue that jobs and queues share; the tasks are yours. NULL: the call
   has ended. */
GString *elves_v3_submit_open (ElvesV3Call *self);
/* Takes @body, open. Answers with what was made. */
void elves_v3_submit (ElvesV3Call *self, GString *body);
/* A task, but for its agent and its names, from members as both have them. */
void elves_v3_submit_task (GString *body, const ElvesJsonObject *from);
gboolean elves_v3_is_mode (const char *text);
gboolean elves_v3_is_key (const char *text); /* an idempotency key */

/* ---- v3-events.c ---- */

/* Answers as elves_v3_show_queue() when it has ended, or when the time is over. */
void elves_v3_wait_for_queue (ElvesV3Call *self, const char *id, guint wait_ms, guint status);

/* ---- v3-stream.c ---- */

/* The answer becomes a stream of events; FALSE: the call has ended. @next is called when there is
   room for more; it asks somebody, and when that has answered it comes to _take(). */
gboolean elves_v3_stream_begin (ElvesV3Call *self, void (*next) (ElvesV3Call *call));
/* What was asked has been answered. FALSE: the client has gone meanwhile, and the call has ended.
   Else exactly one of these follows. */
gboolean elves_v3_stream_take (ElvesV3Call *self);
void elves_v3_stream_send (ElvesV3Call *self, GString *part); /* "": a sign of life; takes it */
void elves_v3_stream_pause (ElvesV3Call *self, guint pause_ms);
void elves_v3_stream_end (ElvesV3Call *self, GString *part); /* takes both */
/* One event. @id: (nullable). @data: JSON, of one line. */
void elves_v3_stream_write (GString *part, const char *event, const char *id, const GString *data);

/* ---- operations ---- */

void elves_v3_jobs_create (ElvesV3Call *call);
void elves_v3_queues_create (ElvesV3Call *call);
void elves_v3_queues_list (ElvesV3Call *call);
void elves_v3_queues_show (ElvesV3Call *call);
void elves_v3_queues_cancel (ElvesV3Call *call);
void elves_v3_queues_tasks (ElvesV3Call *call);
void elves_v3_queues_events (ElvesV3Call *call);
void elves_v3_queues_output (ElvesV3Call *call);
void elves_v3_schedules_create (ElvesV3Call *call);
void elves_v3_schedules_list (ElvesV3Call *call);
void elves_v3_schedules_show (ElvesV3Call *call);
void elves_v3_schedules_replace (ElvesV3Call *call);
void elves_v3_schedules_delete (ElvesV3Call *call);
void elves_v3_schedules_start (ElvesV3Call *call);
void elves_v3_schedules_stop (ElvesV3Call *call);
void elves_v3_schedules_executions (ElvesV3Call *call);
void elves_v3_agents_list (ElvesV3Call *call);
void elves_v3_agents_show (ElvesV3Call *call);
void elves_v3_document_show (ElvesV3Call *call);

extern const ElvesV3Field elves_v3_job_fields[];
extern const ElvesV3Field elves_v3_queue_fields[];
extern const ElvesV3Field elves_v3_schedule_fields[];

G_END_DECLS
