/* The AMQP side of a component that is asked over the broker and has jobs run: elves-cron,
 * elves-queue.
 *
 * Requests come from the component's durable queue (bound to `*.NAME`), in the order of the broker,
 * prefetch at a time. A request belongs to its handler until it is answered or done; only then, and
 * when the broker has confirmed the answer, is its message acknowledged. So a request that a
 * component dies with comes again, to it or to another one, marked (elves_request_may_repeat()).
 *
 * What is published is published until the broker has confirmed it, across lost connections.
 * Callbacks come on the main loop, never from inside the call that asked, and not after _free().
 * Messages, texts and codes: elves-amqp.md sections 3, 4, 7. */
#pragma once

#include "common/amqp.h"
#include "common/component-request.h"
#include "common/config-parts.h"
#include "common/metrics.h"

G_BEGIN_DECLS

typedef struct ElvesComponent ElvesComponent;

/* What a component counts; embedded in the metrics of the daemon. */
typedef struct
{
  guint64 requests, repeated;        /* taken from the broker; of them, given out before */
  guint64 refused, unknown, dropped; /* answered with an error; no such action; no message */
  guint64 jobs, unrouted;            /* published to the scheduler; published and in no queue */
  guint64 consuming, publishing;     /* 1 or 0: as it is now */
  guint64 consumer_connects, publisher_connects;
  guint64 unconfirmed; /* filled in by elves_component_measure() */
} ElvesComponentMetrics;

/* clang-format off */
#define ELVES_COMPONENT_METRIC_ROWS(PREFIX, Metrics, part) \
  { PREFIX "requests_total", ELVES_METRIC_COUNTER, G_STRUCT_OFFSET (Metrics, part.requests), \
    "Messages taken from the broker." }, \
  { PREFIX "requests_repeated_total", ELVES_METRIC_COUNTER, \
    G_STRUCT_OFFSET (Metrics, part.repeated), "Messages that the broker has given out before." }, \
  { PREFIX "requests_refused_total", ELVES_METRIC_COUNTER, \
    G_STRUCT_OFFSET (Metrics, part.refused), "Requests answered with an error." }, \
  { PREFIX "requests_unknown_total", ELVES_METRIC_COUNTER, \
    G_STRUCT_OFFSET (Metrics, part.unknown), "Requests for an action that does not exist." }, \
  { PREFIX "messages_dropped_total", ELVES_METRIC_COUNTER, \
    G_STRUCT_OFFSET (Metrics, part.dropped), "Messages that are no request." }, \
  { PREFIX "jobs_sent_total", ELVES_METRIC_COUNTER, G_STRUCT_OFFSET (Metrics, part.jobs), \
    "Jobs published to the scheduler." }, \
  { PREFIX "unrouted_total", ELVES_METRIC_COUNTER, G_STRUCT_OFFSET (Metrics, part.unrouted), \
    "Messages published that reached no queue." }, \
  { PREFIX "connects_total", ELVES_METRIC_COUNTER, \
    G_STRUCT_OFFSET (Metrics, part.consumer_connects), \
    "Connections made; more than one: reconnected.", "to=\"broker\",use=\"consume\"" }, \
  { PREFIX "connects_total", ELVES_METRIC_COUNTER, \
    G_STRUCT_OFFSET (Metrics, part.publisher_connects), NULL, "to=\"broker\",use=\"publish\"" }, \
  { PREFIX "unconfirmed", ELVES_METRIC_GAUGE, G_STRUCT_OFFSET (Metrics, part.unconfirmed), \
    "Publications that the broker has not confirmed." }, \
  { PREFIX "up", ELVES_METRIC_GAUGE, G_STRUCT_OFFSET (Metrics, part.consuming), \
    "1 when it works, else 0.", "part=\"consumer\"" }, \
  { PREFIX "up", ELVES_METRIC_GAUGE, G_STRUCT_OFFSET (Metrics, part.publishing), NULL, \
    "part=\"publisher\"" }
/* clang-format on */

/* One action of mqkey. The request is the handler's (transfer full): it ends it with one of
   elves_component_reply(), _refuse(), _done(), now or later. */
typedef struct
{
  const char *action;
  void (*handle) (ElvesRequest *request, gpointer user_data);
} ElvesComponentAction; /* a table ends with a NULL action */

typedef struct
{
  const char *name;                /* "cron": the word of mqkey and of routing keys */
  const ElvesBrokerConfig *broker; /* these outlive the component */
  const ElvesRetryConfig *retry;
  const ElvesComponentAction *actions; /* an unknown one is answered with an error */
  ElvesComponentMetrics *metrics;
  void (*consuming) (gboolean consuming, gpointer user_data); /* (nullable) each change */
  gpointer user_data;                                         /* of all callbacks */
} ElvesComponentOptions;                                      /* the struct is copied */

/* Where the broker is, for connections of one's own; valid as long as both. */
ElvesAmqpSettings elves_component_broker_settings (const ElvesBrokerConfig *broker,
                                                   const ElvesRetryConfig *retry);

ElvesComponent *elves_component_new (const ElvesComponentOptions *options);
/* Gives the requests that were not ended back to the broker, and what is not confirmed up. Who has
   such a request frees it with elves_request_free(). */
void elves_component_free (ElvesComponent *self);

/* Publishing works from the start; requests are taken between these two, which may come again (a
   component that leads and no longer leads). _stop() gives what is in hand back to the broker: it
   comes again, marked, to whoever takes requests then. Here it may still be ended, and answered;
   a caller may so get two answers, of which the second changes nothing. */
void elves_component_start (ElvesComponent *self);
void elves_component_stop (ElvesComponent *self);

/* The end of a request; each takes it. A request without a reply address is only acknowledged. */
void elves_component_reply (ElvesComponent *self, ElvesRequest *request, GString *body);
void elves_component_reply_flag (ElvesComponent *self, ElvesRequest *request);
void elves_component_refuse (ElvesComponent *self,
                             ElvesRequest *request,
                             const char *error_text,
                             const char *detail);
void elves_component_done (ElvesComponent *self, ElvesRequest *request);

/* A job for the scheduler: the cast asyncJob (elves-amqp.md 6.2) with the component's name as type.
   @execution: the key of this one execution, as message_id: a second publication of the same key
   starts nothing. "ID:REST", with the id of the job in front: the result has "rand_id":"REST". */
typedef struct
{
  const char *id, *ip, *mode, *app, *func, *proxy;
  const char *param; /* UTF-8 */
  gint timeout_s;
  const char *execution;
  const char *cc; /* (nullable) one more routing key, for a copy */
  /* (nullable) a queue that gets @execution in a message of its own, right behind the job: unlike a
     copy it leaves visible whether the job has reached a queue. */
  const char *note_to;
} ElvesComponentJob;

/* @published: when the broker has it. @routed FALSE there: no scheduler has ever been there. */
void elves_component_send_job (ElvesComponent *self,
                               const ElvesComponentJob *job,
                               ElvesPublishedFunc published,
                               gpointer user_data);

guint elves_component_outstanding (ElvesComponent *self); /* not yet confirmed */
void elves_component_measure (ElvesComponent *self);      /* fills the gauges */
void elves_component_add_problems (ElvesComponent *self, GPtrArray *problems); /* for /healthz */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesComponent, elves_component_free)

G_END_DECLS
