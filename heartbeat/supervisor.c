#include "heartbeat/supervisor.h"

#include "common/backoff.h"
#include "common/caller.h"
#include "heartbeat/metrics.h"

enum
{
  ANSWER_TIMEOUT_MS = 5000 /* elves-amqp.md section 5 */
};

struct ElvesSupervisorCalls
{
  ElvesDeadlines *deadlines;
  const ElvesHeartbeatConfig *config;
  ElvesAppList *apps;
  ElvesCaller *caller;
  ElvesDeadline next;
  guint failures; /* in a row */
};

static void on_due (ElvesDeadline *deadline, gpointer user_data);

static void
ask_again_in (ElvesSupervisorCalls *self, guint64 delay_ms)
{
  elves_deadlines_arm (self->deadlines, &self->next,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_due, self);
}

static void
fail (ElvesSupervisorCalls *self, const GError *error)
{
  const ElvesRetryConfig *retry = &self->config->retry;
  guint delay_ms =
      elves_backoff_delay_ms (self->failures++, retry->first_ms, retry->cap_ms, g_random_double ());

  elves_heartbeat_metrics.supervisor_failures++;
  g_warning ("the supervisor gave no list of apps: %s retry_ms=%u", error->message, delay_ms);
  ask_again_in (self, delay_ms);
}

static void
on_answer (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesSupervisorCalls *self = user_data;
  g_autoptr (GError) cause = error != NULL ? g_error_copy (error) : NULL;

  if (answer == NULL || !elves_app_list_replace (
                            self->apps, elves_json_object_get (answer->members, "result"), &cause))
    {
      fail (self, cause);
      return;
    }
  self->failures = 0;
  g_message ("the supervisor's list of apps was taken");
  ask_again_in (self, self->config->auth_refresh_s * G_GUINT64_CONSTANT (1000));
}

static void
on_due (ElvesDeadline *deadline G_GNUC_UNUSED, gpointer user_data)
{
  ElvesSupervisorCalls *self = user_data;
  const GString body = { .str = (char *) "{}", .len = 2 };
  ElvesCallerRequest request = { "supervisor", "appAuthInfo", &body, ANSWER_TIMEOUT_MS };

  elves_caller_call (self->caller, &request, on_answer, self);
}

/**
 * elves_supervisor_calls_new:
 * @deadlines: its clock
 * @config: where the broker is, and how often to ask
 * @apps: filled with what the supervisor says; all three must outlive it
 *
 * Returns: (transfer full): asking, as soon as the broker is there
 */
ElvesSupervisorCalls *
elves_supervisor_calls_new (ElvesDeadlines *deadlines,
                            const ElvesHeartbeatConfig *config,
                            ElvesAppList *apps)
{
  ElvesSupervisorCalls *self = g_new0 (ElvesSupervisorCalls, 1);
  ElvesCallerOptions options = {
    .name = "heartbeat", .broker = &config->mq, .retry = &config->retry, .max_calls = 1
  };

  self->deadlines = deadlines;
  self->config = config;
  self->apps = apps;
  self->caller = elves_caller_new (deadlines, &options);
  ask_again_in (self, config->retry.first_ms);
  return self;
}

/**
 * elves_supervisor_calls_free:
 * @self: (nullable)
 */
void
elves_supervisor_calls_free (ElvesSupervisorCalls *self)
{
  if (self == NULL)
    return;
  elves_caller_free (self->caller);
  elves_deadlines_disarm (self->deadlines, &self->next);
  g_free (self);
}
