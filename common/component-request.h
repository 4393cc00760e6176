/* One request to a component: what it asks, and the shape of its answer. Pure.
 *
 * All generations of messages are read (elves-amqp.md section 4): the members are those of mqbody,
 * or of the flat form the message's own. Who handles a request does not see which it was. */
#pragma once

#include "common/job-message.h"
#include "common/json-reader.h"

G_BEGIN_DECLS

typedef struct ElvesRequest ElvesRequest;

/* The AMQP message of a request. */
typedef struct
{
  ElvesMessageProperties properties;
  GBytes *body;
  gboolean redelivered;
} ElvesRequestMessage;

/* NULL: not a message of ours. Errors: ELVES_ERROR_INVALID. */
ElvesRequest *elves_request_parse (const ElvesMessageRules *rules,
                                   const ElvesRequestMessage *message,
                                   GError **error);
void elves_request_free (ElvesRequest *self); /* unanswered: tests, and the component */

const char *elves_request_action (const ElvesRequest *self);
const char *elves_request_from (const ElvesRequest *self);
/* The message was given out before: what it asks for may have been done. */
gboolean elves_request_may_repeat (const ElvesRequest *self);
/* The same for every delivery of one message, and (message_id, correlation_id or the reply queue
   being its own) different from that of others: 32 hex digits. A request that creates something
   stores it, and one that may repeat looks for it first. */
const char *elves_request_fingerprint (const ElvesRequest *self);

/* The member @name; its text is valid as long as the request. */
ElvesJsonValue elves_request_get (const ElvesRequest *self, const char *name);
/* (transfer full): a string, number or boolean as trimmed text; null and absent: "". FALSE: an
   array or object; Errors: ELVES_ERROR_INVALID names the member. */
gboolean
elves_request_text (const ElvesRequest *self, const char *name, char **out_text, GError **error);
/* A whole number within the limits, as a number or a text; absent, null, blank: @fallback.
   @strict: a JSON number only, as createCron and addTask want it. */
gboolean elves_request_number (const ElvesRequest *self,
                               const char *name,
                               gboolean strict,
                               gint64 min,
                               gint64 max,
                               gint64 fallback,
                               gint64 *out_number,
                               GError **error);

/* cronResult, taskResult: tolerant as elves-cron-queue.md 1.5 and 2.5 say. */
typedef struct
{
  char *id;
  char *rand_id;      /* "" when it has none: which execution */
  gboolean delivered; /* the member flag */
  char *error;        /* "" when there is none */
  gint32 worker_flag; /* 1, 0, -1; of what was not delivered -1 */
  char *worker_message;
  gint32 worker_cost_ms;
  char *reason, *detail; /* "" when there is none */
} ElvesComponentResult;

gboolean elves_request_read_result (const ElvesRequest *self,
                                    ElvesComponentResult *out_result,
                                    GError **error);
void elves_component_result_clear (ElvesComponentResult *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesComponentResult, elves_component_result_clear)

/* Answers, (transfer full) (nullable): NULL, there is nobody to answer. @body: taken, one JSON
   object: the whole mqbody. @error_text: "" is success (the flat form says it in its head). */
ElvesPublication *elves_request_answer (const ElvesRequest *self,
                                        const ElvesMessageRules *rules,
                                        const char *error_text,
                                        GString *body);
GString *elves_request_error_body (const char *error_text, const char *detail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRequest, elves_request_free)

G_END_DECLS
