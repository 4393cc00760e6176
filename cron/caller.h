/* HTTP callbacks: sent, retried, bounded. On the main loop, without blocking it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesCronCaller ElvesCronCaller;

typedef struct
{
  guint max_concurrent, max_per_host;
  gsize max_answer_bytes;
  guint retry_first_ms, retry_cap_ms;
} ElvesCronCallerOptions;

typedef struct
{
  const char *url, *method;
  const char *content_type; /* "": application/json */
  const char *headers;      /* a JSON object of texts, or "" */
  const char *body;
  const char *key; /* of the execution: sent as a header, so that a receiver knows a repetition */
  guint timeout_s; /* of each try */
  guint retries;
} ElvesCronCall; /* copied */

typedef struct
{
  gboolean ok;    /* answered with 2xx */
  guint status;   /* 0: no answer */
  char *text;     /* the answer's beginning, or why there is none */
  gint64 cost_ms; /* of the last try */
} ElvesCronAnswer;

/* From the loop, exactly once. */
typedef void (*ElvesCronAnswerFunc) (const ElvesCronAnswer *answer, gpointer user_data);

ElvesCronCaller *elves_cron_caller_new (const ElvesCronCallerOptions *options);
void elves_cron_caller_free (ElvesCronCaller *self); /* no answer comes any more */
void elves_cron_caller_call (ElvesCronCaller *self,
                             const ElvesCronCall *call,
                             ElvesCronAnswerFunc done,
                             gpointer user_data);
/* Errors: ELVES_ERROR_INVALID: a URL or method that could never be called, headers that are no
   object of texts. */
gboolean
elves_cron_caller_check (const char *url, const char *method, const char *headers, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronCaller, elves_cron_caller_free)

G_END_DECLS
