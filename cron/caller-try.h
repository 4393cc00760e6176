/* One request of a callback, and its answer. */
#pragma once

#include "common/deadlines.h"
#include "cron/caller-guard.h"

G_BEGIN_DECLS

/* What all tries share; must outlive those that are not abandoned. */
typedef struct
{
  SoupSession *session;
  ElvesDeadlines *deadlines;
  ElvesCronGuard *guard;
  char *sign_key; /* "": no signature */
  gsize max_answer_bytes;
} ElvesCronTrier;

/* Yours, until it is done or abandoned. */
typedef struct
{
  const char *url, *method, *content_type, *headers, *key;
  GBytes *body;
  guint timeout_s;
} ElvesCronTryRequest;

typedef struct
{
  guint status;      /* 0: no answer */
  gboolean is_final; /* it would not be better next time */
  const char *text;  /* the answer's beginning, or why there is none */
  gint64 cost_ms;
} ElvesCronTryEnd;

/* From the loop, once. */
typedef void (*ElvesCronTryFunc) (const ElvesCronTryEnd *end, gpointer user_data);

typedef struct ElvesCronTry ElvesCronTry;

ElvesCronTry *elves_cron_try_start (const ElvesCronTrier *trier,
                                    const ElvesCronTryRequest *request,
                                    ElvesCronTryFunc done,
                                    gpointer user_data);
/* It is cut off, and nobody hears of it. */
void elves_cron_try_abandon (ElvesCronTry *self);

G_END_DECLS
