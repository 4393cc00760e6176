/* HTTP callbacks: sent, retried, bounded. On the main loop, without blocking it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesCronCaller ElvesCronCaller;

typedef struct
{
  guint max_concurrent, max_per_host;
  guint max_held_per_host; /* calls of a host that takes none, waiting or under way */
  guint stalled_after_s;   /* without a call taken, that is what a host is */
  gsize max_answer_bytes;
  guint retry_first_ms, retry_cap_ms;
  const char *sign_key; /* "": calls are not signed */
  const char *forbid;   /* addresses and networks that are not called, "" for none; checked */
  gboolean forbid_private;
} ElvesCronCallerOptions; /* copied */

typedef struct
{
  const char *const *urls; /* at least one, NULL at the end */
  guint first_url;         /* any number: the target that is tried first; then the next one */
  const char *method;
  const char *content_type; /* "": application/json */
  const char *headers;      /* a JSON object of texts, or "" */
  const char *body;
  const char *key; /* of the execution: sent as a header, so that a receiver knows a repetition */
  guint timeout_s; /* of each try */
  guint retries;   /* further rounds over the targets */
  const guint *retry_delays_ms; /* (nullable) before them, the last one for all that follow */
  guint n_retry_delays;         /* 0: a back-off instead */
} ElvesCronCall;                /* copied */

typedef struct
{
  gint64 at_us; /* real time: it began */
  const char *target;
  gboolean ok;      /* answered with 2xx */
  guint status;     /* 0: no answer */
  const char *text; /* the answer's beginning, or why there is none */
  gint64 cost_ms;
} ElvesCronAttempt;

/* The last attempt. */
typedef struct
{
  gboolean ok;    /* answered with 2xx */
  guint status;   /* 0: no answer */
  char *text;     /* the answer's beginning, or why there is none */
  gint64 cost_ms; /* of the last try */
} ElvesCronAnswer;

/* From the loop. */
typedef struct
{
  void (*tried) (const ElvesCronAttempt *attempt, gpointer user_data); /* (nullable) each one */
  void (*done) (const ElvesCronAnswer *answer, gpointer user_data);    /* once, at the end */
} ElvesCronCallerCallbacks;

ElvesCronCaller *elves_cron_caller_new (const ElvesCronCallerOptions *options);
void elves_cron_caller_free (ElvesCronCaller *self); /* no answer comes any more */
/* @callbacks: must outlive the call. */
void elves_cron_caller_call (ElvesCronCaller *self,
                             const ElvesCronCall *call,
                             const ElvesCronCallerCallbacks *callbacks,
                             gpointer user_data);
/* The call with this user data is made no more, and nobody hears of it. FALSE: there is none. */
gboolean elves_cron_caller_cancel (ElvesCronCaller *self, gpointer user_data);
guint elves_cron_caller_outstanding (ElvesCronCaller *self); /* calls that are not done */
/* Errors: ELVES_ERROR_INVALID: a URL or method that could never be called, headers that are no
   object of texts. */
gboolean
elves_cron_caller_check (const char *url, const char *method, const char *headers, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronCaller, elves_cron_caller_free)

G_END_DECLS
