/* HTTP callbacks by libsoup: what becomes of a call. A single request is caller-try's business, who
 * may send one caller-hosts'.
 *
 * A call goes to its targets in turn, one round after the other, until one of them answers with
 * 2xx. A round in which there was no answer, 408, 425, 429 or 5xx is followed by another one after
 * a back-off (or the delay that the call names), without holding a slot meanwhile; any other answer
 * is final. Of a call that names its delays none is: who wants it has said what is to be done. */
#include "cron/caller.h"

#include "common/backoff.h"
#include "common/crash-point.h"
#include "common/error.h"
#include "cron/caller-headers.h"
#include "cron/caller-hosts.h"
#include "cron/caller-try.h"
#include "cron/metrics.h"

#include <string.h>

#define REFUSED "too many callbacks wait for this host, which takes none"

struct ElvesCronCaller
{
  ElvesCronCallerOptions options; /* its texts are not kept */
  ElvesCronTrier trier;
  ElvesCronHosts *hosts;
  GQueue calls; /* of Call, by its link: all */
};

typedef struct
{
  ElvesCronCaller *caller;
  char **urls;
  guint n_urls, first_url;
  char *method, *content_type, *headers, *key;
  GBytes *body;
  guint timeout_s, retries;
  guint *retry_delays_ms;
  guint n_retry_delays;
  guint round, tried;   /* tried: targets in this round */
  gboolean is_passing;  /* one of them may do better in the next round */
  ElvesCronPlace place; /* at the host of the target that is next, or being tried */
  ElvesCronTry *try;    /* (nullable) the one under way */
  ElvesCronTryRequest request;
  ElvesDeadline pause; /* between two rounds; or it was refused */
  gint64 try_at_us;
  const ElvesCronCallerCallbacks *callbacks;
  gpointer user_data;
  GList link;
} Call;

static void
call_free (Call *call)
{
  g_strfreev (call->urls);
  g_free (call->method);
  g_free (call->content_type);
  g_free (call->headers);
  g_free (call->key);
  g_free (call->retry_delays_ms);
  g_bytes_unref (call->body);
  g_free (call);
}

/* ---- checking ------------------------------------------------------------------------------- */

gboolean
elves_cron_caller_check (const char *url, const char *method, const char *headers, GError **error)
{
  static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", NULL };
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  const char *fault = NULL;
  if ((strcmp (scheme, "http") != 0 && strcmp (scheme, "https") != 0) || host == NULL ||
      *host == '\0')
    fault = "url: expected http://HOST... or https://HOST...";
  else if (!g_strv_contains (methods, method))
    fault = "method: expected GET, POST, PUT, PATCH, DELETE or HEAD";
  else if (!elves_cron_headers_check (headers))
    fault = "headers: expected an object of names and texts";
  if (fault != NULL)
    g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, fault);
  return fault == NULL;
}

/* ---- the end of a call, or of a try --------------------------------------------------------- */

static void next_target (Call *call);
static void start_some (ElvesCronCaller *self);

static void
finish (Call *call, const ElvesCronAttempt *last)
{
  ElvesCronCaller *self = call->caller;
  ElvesCronAnswer answer = {
    .ok = last->ok,
    .status = last->status,
    .text = (char *) last->text,
    .cost_ms = last->cost_ms,
  };
  elves_cron_hosts_leave (self->hosts, &call->place);
  g_queue_unlink (&self->calls, &call->link);
  call->callbacks->done (&answer, call->user_data);
  call_free (call);
}

static guint
retry_delay_ms (const Call *call)
{
  const ElvesCronCallerOptions *options = &call->caller->options;
  if (call->n_retry_delays > 0)
    return call->retry_delays_ms[MIN (call->round, call->n_retry_delays - 1)];
  return elves_backoff_delay_ms (call->round, options->retry_first_ms, options->retry_cap_ms,
                                 g_random_double ());
}

static void
on_pause_ends (ElvesDeadline *deadline, gpointer user_data)
{
  Call *call = user_data;
  ElvesCronCaller *self = call->caller;
  elves_cron_metrics.callback_retries++;
  next_target (call);
  start_some (self);
}

static void
next_round (Call *call)
{
  gint64 delay_us = retry_delay_ms (call) * (gint64) 1000;
  call->round++;
  call->tried = 0;
  call->is_passing = FALSE;
  elves_deadlines_arm (call->caller->trier.deadlines, &call->pause,
                       g_get_monotonic_time () + delay_us, on_pause_ends, call);
}

static void
end_attempt (Call *call, const ElvesCronTryEnd *end)
{
  ElvesCronAttempt attempt = {
    .at_us = call->try_at_us,
    .target = call->request.url,
    .ok = end->status >= 200 && end->status < 300,
    .status = end->status,
    .text = end->text,
    .cost_ms = end->cost_ms,
  };
  call->is_passing |= !end->is_final || (call->n_retry_delays > 0 && end->status != 0);
  call->tried++;
  if (call->callbacks->tried != NULL)
    call->callbacks->tried (&attempt, call->user_data);
  if (!attempt.ok && call->tried < call->n_urls)
    next_target (call);
  else if (!attempt.ok && call->is_passing && call->round < call->retries)
    next_round (call);
  else
    finish (call, &attempt);
}

static void
on_tried (const ElvesCronTryEnd *end, gpointer user_data)
{
  Call *call = user_data;
  ElvesCronCaller *self = call->caller;
  call->try = NULL;
  elves_cron_hosts_rest (self->hosts, &call->place);
  if (end->status >= 200 && end->status < 300)
    elves_cron_hosts_taken (&call->place, g_get_monotonic_time ());
  end_attempt (call, end);
  start_some (self);
}

/* ---- the way to a try ----------------------------------------------------------------------- */

static void
on_refused (ElvesDeadline *deadline, gpointer user_data)
{
  Call *call = user_data;
  ElvesCronCaller *self = call->caller;
  const ElvesCronTryEnd end = { .is_final = TRUE, .text = REFUSED };
  elves_cron_metrics.callbacks_refused++;
  call->try_at_us = g_get_real_time ();
  end_attempt (call, &end);
  start_some (self);
}

static void
on_forgotten (ElvesDeadline *deadline, gpointer user_data)
{
  const ElvesCronTryEnd end = { .status = 200, .is_final = TRUE, .text = "" };
  end_attempt (user_data, &end);
}

/* (transfer full): who has to answer. */
static char *
host_name (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
  return g_strdup_printf ("%s:%d", host, g_uri_get_port (uri));
}

/* A call that stays at its host is not asked to join it again. */
static gboolean
join (Call *call, const char *url)
{
  ElvesCronHosts *hosts = call->caller->hosts;
  g_autofree char *name = NULL;
  if (call->place.host != NULL && call->n_urls == 1)
    return TRUE;
  name = host_name (url);
  elves_cron_hosts_leave (hosts, &call->place);
  return elves_cron_hosts_join (hosts, name, &call->place, g_get_monotonic_time ());
}

static void
next_target (Call *call)
{
  ElvesCronCaller *self = call->caller;
  call->request.url = call->urls[(call->first_url + call->tried) % call->n_urls];
  if (elves_break_promise ("forget-callback"))
    elves_deadlines_arm (self->trier.deadlines, &call->pause, g_get_monotonic_time (), on_forgotten,
                         call);
  else if (join (call, call->request.url))
    elves_cron_hosts_wait (self->hosts, &call->place);
  else
    elves_deadlines_arm (self->trier.deadlines, &call->pause, g_get_monotonic_time (), on_refused,
                         call);
}

static void
start (Call *call)
{
  elves_cron_metrics.callbacks++;
  if (elves_break_promise ("new-call-key"))
    call->key[0] ^= 1;
  call->try_at_us = g_get_real_time ();
  call->try = elves_cron_try_start (&call->caller->trier, &call->request, on_tried, call);
}

static void
start_some (ElvesCronCaller *self)
{
  Call *call;
  while ((call = elves_cron_hosts_next (self->hosts)) != NULL)
    start (call);
}

/* ---- from start to end ---------------------------------------------------------------------- */

static SoupSession *
make_session (const ElvesCronCallerOptions *options)
{
  /* No proxy: a daemon calls whom its task names, whatever its environment says. Who may have a
     connection is decided by the hosts' slots. */
  return soup_session_new_with_options ("max-conns", (int) options->max_concurrent,
                                        "max-conns-per-host", (int) options->max_concurrent,
                                        "user-agent", "elves-cron/" ELVES_VERSION, "proxy-resolver",
                                        NULL, NULL);
}

static ElvesCronHosts *
make_hosts (const ElvesCronCallerOptions *options)
{
  ElvesCronHostsLimits limits = {
    .max_active = options->max_concurrent,
    .max_active_per_host = options->max_per_host,
    .max_held_per_host = options->max_held_per_host,
    .stalled_after_us = options->stalled_after_s * (gint64) G_USEC_PER_SEC,
  };
  return elves_cron_hosts_new (&limits);
}

/**
 * elves_cron_caller_new:
 * @options: its networks were checked with the configuration
 */
ElvesCronCaller *
elves_cron_caller_new (const ElvesCronCallerOptions *options)
{
  ElvesCronCaller *self = g_new0 (ElvesCronCaller, 1);
  self->options = *options;
  self->hosts = make_hosts (options);
  self->trier.session = make_session (options);
  self->trier.deadlines = elves_deadlines_new ();
  self->trier.guard = elves_cron_guard_new (options->forbid, options->forbid_private, NULL);
  g_assert (self->trier.guard != NULL);
  self->trier.sign_key = g_strdup (options->sign_key);
  self->trier.max_answer_bytes = options->max_answer_bytes;
  return self;
}

static void
give_up (ElvesCronCaller *self, Call *call)
{
  elves_deadlines_disarm (self->trier.deadlines, &call->pause);
  elves_cron_hosts_leave (self->hosts, &call->place);
  if (call->try != NULL)
    elves_cron_try_abandon (call->try);
  call_free (call);
}

gboolean
elves_cron_caller_cancel (ElvesCronCaller *self, gpointer user_data)
{
  for (GList *link = self->calls.head; link != NULL; link = link->next)
    {
      Call *call = link->data;
      if (call->user_data != user_data)
        continue;
      g_queue_unlink (&self->calls, link);
      give_up (self, call);
      start_some (self);
      return TRUE;
    }
  return FALSE;
}

/**
 * elves_cron_caller_free:
 * @self: (nullable): calls under way are cut off; nobody hears of them
 */
void
elves_cron_caller_free (ElvesCronCaller *self)
{
  GList *link;
  if (self == NULL)
    return;
  while ((link = g_queue_pop_head_link (&self->calls)) != NULL)
    give_up (self, link->data);
  elves_cron_hosts_free (self->hosts);
  soup_session_abort (self->trier.session);
  g_object_unref (self->trier.session);
  elves_cron_guard_free (self->trier.guard);
  elves_deadlines_free (self->trier.deadlines);
  g_free (self->trier.sign_key);
  g_free (self);
}

static Call *
call_new (ElvesCronCaller *self, const ElvesCronCall *wanted)
{
  Call *call = g_new0 (Call, 1);
  call->caller = self;
  call->urls = g_strdupv ((char **) wanted->urls);
  call->n_urls = g_strv_length (call->urls);
  call->first_url = wanted->first_url % call->n_urls;
  call->method = g_strdup (wanted->method);
  call->content_type = g_strdup (wanted->content_type);
  call->headers = g_strdup (wanted->headers);
  call->key = g_strdup (wanted->key);
  call->body = g_bytes_new (wanted->body, strlen (wanted->body));
  call->timeout_s = wanted->timeout_s;
  call->retries = wanted->retries;
  call->n_retry_delays = wanted->n_retry_delays;
  call->retry_delays_ms =
      g_memdup2 (wanted->retry_delays_ms, wanted->n_retry_delays * sizeof (guint));
  call->place.data = call;
  call->link.data = call;
  return call;
}

static void
make_request (Call *call)
{
  call->request = (ElvesCronTryRequest){
    .method = call->method,
    .content_type = call->content_type,
    .headers = call->headers,
    .key = call->key,
    .body = call->body,
    .timeout_s = call->timeout_s,
  };
}

/**
 * elves_cron_caller_call:
 * @wanted: its URLs, method and headers were checked
 * @callbacks: from the loop
 */
void
elves_cron_caller_call (ElvesCronCaller *self,
                        const ElvesCronCall *wanted,
                        const ElvesCronCallerCallbacks *callbacks,
                        gpointer user_data)
{
  Call *call = call_new (self, wanted);
  call->callbacks = callbacks;
  call->user_data = user_data;
  make_request (call);
  g_queue_push_tail_link (&self->calls, &call->link);
  next_target (call);
  start_some (self);
}

guint
elves_cron_caller_outstanding (ElvesCronCaller *self)
{
  return self->calls.length;
}
