/* Owns every part of the agent, makes them in order, ends them in reverse, and wires them; no part
 * knows another one that it was not given.
 *
 * The reaper comes first: it blocks SIGCHLD, and every thread made after it inherits that.
 *
 * The end: SIGTERM closes the listener and takes the registration away. Jobs that wait for a worker
 * are answered as cancelled, never started, or stay in the journal for the next start; those that
 * run go on and results go out, for at most shutdown.timeout; then what still runs is stopped. New
 * jobs on open connections are refused as `busy`.
 */
#include "agent/agent.h"

#include "agent/apps.h"
#include "agent/command.h"
#include "agent/config.h"
#include "agent/containment.h"
#include "agent/execution.h"
#include "agent/journal.h"
#include "agent/metrics.h"
#include "agent/outbox.h"
#include "agent/output-keep.h"
#include "agent/processor.h"
#include "agent/reaper.h"
#include "agent/recovery.h"
#include "agent/registration.h"
#include "agent/remains.h"
#include "agent/schedulers.h"
#include "agent/service.h"
#include "agent/status.h"
#include "agent/warm.h"
#include "common/log.h"
#include "common/thrift-server.h"

#include <malloc.h>

#define MIN_ANSWER_BUFFER_BYTES (64 * 1024 * 1024)
#define TRIM_DELAY_S 2     /* from the end of the last job: at most one trim in that time */
#define LAST_ANSWERS_MS 50 /* from the last result to the end: for it to leave */
#define JOURNAL_LOCK_WAIT_MS 5000
#define KILLED_RESULTS_MS 1000 /* beyond the grace time, for results of what was stopped */

struct ElvesAgent
{
  const ElvesAgentConfig *config;
  ElvesDaemon *daemon;
  ElvesPoller *poller;
  ElvesDeadlines *deadlines; /* of all jobs and results */
  ElvesReaper *reaper;
  ElvesJournal *journal;   /* (nullable) */
  ElvesRecovery *recovery; /* (nullable) until it is handed over */
  ElvesContainment *containment;
  ElvesApps *apps;
  ElvesCommands *commands;
  ElvesSchedulers *schedulers;
  ElvesRegistry *registry; /* (nullable) */
  ElvesOutbox *outbox;
  ElvesProcessor *processor;
  ElvesWarm *warm;
  char *warm_mark; /* see end_warm_remains() */
  ElvesOutputKeep *outputs;
  ElvesExecutor *executor;
  ElvesService *service;
  ElvesAddressList *allowed;
  ElvesThriftServer *server;
  ElvesRegistration *registration; /* (nullable) */
  ElvesAgentStatus *status;        /* (nullable) metrics.listen is empty, or its port is taken */
  gboolean stopping;
  guint shutdown_timer; /* source id; 0: none */
  guint trim_timer;     /* source id; 0: none */
};

/* One arena: all work is on one thread. Large results go back to the system at once. */
static void
keep_memory_small (void)
{
#ifdef __GLIBC__
  mallopt (M_ARENA_MAX, 1);
  mallopt (M_MMAP_THRESHOLD, 256 * 1024);
  mallopt (M_TRIM_THRESHOLD, 512 * 1024);
#endif
}

/* What a burst of jobs has left in holes of the heap. */
static void
return_free_memory (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

/* ---- end ------------------------------------------------------------------------------------ */

static void
set_shutdown_timer (ElvesAgent *self, guint delay_ms, GSourceFunc func)
{
  if (self->shutdown_timer != 0)
    g_source_remove (self->shutdown_timer);
  self->shutdown_timer = g_timeout_add (delay_ms, func, self);
}

static gboolean
on_finished (gpointer user_data)
{
  ElvesAgent *self = user_data;
  self->shutdown_timer = 0;
  guint lost = elves_executor_count (self->executor) + elves_outbox_count (self->outbox);
  if (lost > 0 && self->journal != NULL)
    g_message ("results are left for the next start: no scheduler has taken them count=%u", lost);
  else if (lost > 0)
    g_warning ("ending with results that no scheduler has taken count=%u", lost);
  elves_daemon_quit (self->daemon, 0);
  return G_SOURCE_REMOVE;
}

static gboolean
on_shutdown_timeout (gpointer user_data)
{
  ElvesAgent *self = user_data;
  self->shutdown_timer = 0;
  g_message ("shutdown.timeout has passed: stopping what runs jobs=%u results=%u",
             elves_executor_count (self->executor), elves_outbox_count (self->outbox));
  gboolean jobs_run = elves_executor_count (self->executor) > 0;
  elves_executor_cancel_all (self->executor);
  set_shutdown_timer (self, jobs_run ? self->config->grace_ms + KILLED_RESULTS_MS : 0, on_finished);
  return G_SOURCE_REMOVE;
}

static gboolean
on_trim (gpointer user_data)
{
  ElvesAgent *self = user_data;
  self->trim_timer = 0;
  return_free_memory ();
  return G_SOURCE_REMOVE;
}

static void
on_idle (gpointer user_data)
{
  ElvesAgent *self = user_data;
  if (self->trim_timer == 0)
    self->trim_timer = g_timeout_add_seconds (TRIM_DELAY_S, on_trim, self);
  if (self->stopping && elves_executor_count (self->executor) == 0 &&
      elves_service_count (self->service) == 0 && elves_outbox_count (self->outbox) == 0)
    set_shutdown_timer (self, LAST_ANSWERS_MS, on_finished);
}

/**
 * elves_agent_stop:
 * @self: an agent
 *
 * Begins its end; elves_daemon_quit() is called when it has come.
 */
void
elves_agent_stop (ElvesAgent *self)
{
  if (self->stopping)
    return;
  self->stopping = TRUE;
  elves_executor_close (self->executor);
  elves_agent_status_stopping (self->status);
  elves_thrift_server_stop_listening (self->server);
  g_clear_pointer (&self->registration, elves_registration_free);
  g_clear_pointer (&self->registry, elves_registry_free);
  g_message ("waiting for what runs jobs=%u results=%u", elves_executor_count (self->executor),
             elves_outbox_count (self->outbox));
  set_shutdown_timer (self, self->config->shutdown_timeout_s * 1000, on_shutdown_timeout);
  on_idle (self);
}

/* Whoever waits for the journal is answered, and nothing is started by that. */
static void
end_jobs (ElvesAgent *self)
{
  if (self->executor == NULL)
    return;
  elves_executor_close (self->executor);
  if (self->journal != NULL)
    elves_journal_drain (self->journal);
  /* Gives every open job its result: service, outbox and processor are still there. */
  g_clear_pointer (&self->executor, elves_executor_free);
  if (self->journal != NULL)
    elves_journal_drain (self->journal);
}

/**
 * elves_agent_free:
 * @self: (nullable): an agent, however far it was started
 */
void
elves_agent_free (ElvesAgent *self)
{
  if (self == NULL)
    return;
  elves_agent_status_free (self->status);
  if (self->shutdown_timer != 0)
    g_source_remove (self->shutdown_timer);
  if (self->trim_timer != 0)
    g_source_remove (self->trim_timer);
  elves_registration_free (self->registration);
  elves_registry_free (self->registry);
  end_jobs (self);
  elves_warm_free (self->warm);
  elves_thrift_server_free (self->server);
  elves_address_list_free (self->allowed);
  elves_service_free (self->service);
  elves_output_keep_free (self->outputs);
  elves_processor_free (self->processor);
  elves_outbox_free (self->outbox);
  elves_recovery_free (self->recovery);
  elves_journal_free (self->journal);
  elves_schedulers_free (self->schedulers);
  elves_commands_free (self->commands);
  elves_apps_free (self->apps);
  elves_containment_free (self->containment);
  g_free (self->warm_mark);
  elves_reaper_free (self->reaper);
  elves_deadlines_free (self->deadlines);
  elves_poller_free (self->poller);
  g_free (self);
}

/* ---- start ---------------------------------------------------------------------------------- */

static gboolean
start_containment (ElvesAgent *self, GError **error)
{
  static const ElvesContainmentMode modes[] = {
    [ELVES_CONTAINMENT_AUTO] = ELVES_CONTAIN_AUTO,
    [ELVES_CONTAINMENT_CGROUP] = ELVES_CONTAIN_CGROUP,
    [ELVES_CONTAINMENT_PROCESS] = ELVES_CONTAIN_PROCESS,
  };
  const char *root = self->config->cgroup_root;
  self->containment = elves_containment_new (modes[self->config->containment],
                                             root[0] != '\0' ? root : NULL, error);
  if (self->containment == NULL)
    return FALSE;
  if (self->config->leftovers == ELVES_LEFTOVERS_LEAVE)
    elves_containment_spare_strays (self->containment);
  g_message ("containment: %s", elves_containment_describe (self->containment));
  return TRUE;
}

/* Those that agent/recovery does not find because they have wiped their environment. */
static void
end_warm_remains (ElvesAgent *self)
{
  if (self->journal == NULL)
    {
      self->warm_mark = g_strdup ("");
      return;
    }
  g_autofree char *owner = elves_remains_owner (self->config->journal_dir);
  self->warm_mark = g_strdup_printf ("w%08x", g_str_hash (owner));
  elves_containment_end_marked (self->containment, self->warm_mark);
}

/* Before there is anything that starts or tracks processes: what an earlier agent has left is ended
   in there. */
static gboolean
start_journal (ElvesAgent *self, GError **error)
{
  const ElvesAgentConfig *config = self->config;
  if (!config->journal_enabled)
    {
      g_message ("no journal: accepted jobs and their results are lost with this process");
      return TRUE;
    }
  ElvesJournalSettings settings = {
    .folder = config->journal_dir,
    .lock_wait_ms = JOURNAL_LOCK_WAIT_MS,
    .max_age_s = config->journal_max_age_s,
    .max_bytes = config->journal_max_bytes,
  };
  self->journal = elves_journal_new (&settings, error);
  if (self->journal == NULL)
    return FALSE;
  self->recovery = elves_recovery_new (self->journal, config->journal_dir, error);
  return self->recovery != NULL;
}

static gboolean
start_host (ElvesAgent *self, GError **error)
{
  self->poller = elves_poller_new (error);
  if (self->poller == NULL)
    return FALSE;
  self->deadlines = elves_deadlines_new ();
  self->reaper = elves_reaper_new (self->poller, error);
  if (self->reaper == NULL || !start_journal (self, error) || !start_containment (self, error))
    return FALSE;
  end_warm_remains (self);
  self->apps = elves_apps_new (self->config);
  self->commands = elves_commands_new (self->config, error);
  if (!g_file_test (self->config->apps_dir, G_FILE_TEST_IS_DIR))
    g_warning ("there is no such folder: no app is installed apps.dir=%s", self->config->apps_dir);
  return self->commands != NULL;
}

static void
on_registry_state (ElvesRegistry *registry,
                   gboolean connected,
                   const char *detail,
                   gpointer user_data)
{
  elves_agent_metrics.registered = connected;
  elves_agent_metrics.registry_connects += connected ? 1 : 0;
  g_autofree char *field = elves_log_field ("detail", detail != NULL ? detail : "");
  if (connected)
    g_message ("connected to ZooKeeper %s", field);
  else
    g_warning ("not connected to ZooKeeper %s", field);
}

static gboolean
start_registry (ElvesAgent *self, GError **error)
{
  static const ElvesRegistryCallbacks callbacks = { .state = on_registry_state };
  const ElvesAgentConfig *config = self->config;
  if (!elves_agent_config_uses_registry (config))
    return TRUE;
  ElvesRegistrySettings settings = {
    .hosts = config->zookeeper_host,
    .root = config->zookeeper_root,
    .session_timeout_ms = config->zookeeper_session_ms,
    .retry_first_ms = config->retry_first_ms,
    .retry_cap_ms = config->retry_cap_ms,
  };
  self->registry = elves_registry_new (&settings, &callbacks, self, error);
  return self->registry != NULL;
}

static void
on_scheduler_appeared (gpointer user_data)
{
  ElvesAgent *self = user_data;
  elves_outbox_try_now (self->outbox);
}

static void
start_results (ElvesAgent *self)
{
  self->schedulers = elves_schedulers_new (self->config);
  self->outbox = elves_outbox_new (self->poller, self->deadlines, self->config, self->schedulers,
                                   self->journal, on_idle, self);
  self->processor = elves_processor_new (self->poller, self->deadlines, self->apps);
  if (self->registry != NULL)
    elves_schedulers_watch (self->schedulers, self->registry, on_scheduler_appeared, self);
}

static void
start_warm (ElvesAgent *self)
{
  ElvesWarmParts parts = {
    .config = self->config,
    .poller = self->poller,
    .reaper = self->reaper,
    .containment = self->containment,
    .deadlines = self->deadlines,
    .apps = self->apps,
    .commands = self->commands,
    .mark = self->warm_mark,
  };
  self->warm = elves_warm_new (&parts);
}

static void
on_printed (ElvesInstruct *instruct, GBytes *output, guint64 total_bytes, gpointer user_data)
{
  ElvesAgent *self = user_data;
  elves_output_keep_add (self->outputs, instruct, output, total_bytes);
}

static void
start_jobs (ElvesAgent *self)
{
  start_warm (self);
  self->outputs = elves_output_keep_new (self->deadlines, self->config->output_keep_s,
                                         self->config->output_keep_bytes);
  ElvesExecutorParts parts = {
    .config = self->config,
    .poller = self->poller,
    .reaper = self->reaper,
    .containment = self->containment,
    .deadlines = self->deadlines,
    .apps = self->apps,
    .commands = self->commands,
    .warm = self->warm,
    .journal = self->journal,
    .printed = on_printed,
    .printed_data = self,
  };
  self->executor = elves_executor_new (&parts, on_idle, self);
  ElvesServiceParts service_parts = {
    .executor = self->executor,
    .outbox = self->outbox,
    .processor = self->processor,
    .schedulers = self->schedulers,
    .journal = self->journal,
    .outputs = self->outputs,
    .idle = on_idle,
    .idle_data = self,
  };
  self->service = elves_service_new (&service_parts);
  if (self->recovery != NULL)
    elves_recovery_hand_over (self->recovery, self->service, self->outbox);
  g_clear_pointer (&self->recovery, elves_recovery_free);
}

static void
start_status (ElvesAgent *self)
{
  ElvesAgentStatusParts parts = {
    .config = self->config,
    .executor = self->executor,
    .outbox = self->outbox,
  };
  self->status = elves_agent_status_new (&parts);
}

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  ElvesAgent *self = user_data;
  elves_service_call (self->service, call);
}

static void
fill_link_options (const ElvesAgentConfig *config, ElvesThriftLinkOptions *out_options)
{
  out_options->limits = elves_thrift_default_limits;
  out_options->limits.message_bytes = config->max_message_bytes;
  out_options->limits.string_bytes = config->max_message_bytes;
  out_options->limits.list_items = config->max_list_items;
  /* Cleaned text may be three times what the worker wrote. */
  out_options->output_limit_bytes = MAX (MIN_ANSWER_BUFFER_BYTES, 4 * config->output_limit_bytes);
}

static gboolean
start_listening (ElvesAgent *self, GError **error)
{
  static const ElvesThriftServerCallbacks callbacks = { .call = on_call };
  const ElvesAgentConfig *config = self->config;
  self->allowed = elves_address_list_parse (config->allowed, error);
  if (self->allowed == NULL)
    return FALSE;
  ElvesThriftServerOptions options = {
    .host = config->listen,
    .port = config->port,
    .allowed = self->allowed,
    .max_connections = config->max_connections,
    .idle_timeout_s = config->idle_timeout_s,
    .message_timeout_s = config->message_timeout_s,
  };
  fill_link_options (config, &options.link);
  self->server = elves_thrift_server_new (self->poller, &options, &callbacks, self, error);
  if (self->server == NULL)
    return FALSE;
  g_message ("listening address=%s port=%u", config->listen,
             elves_thrift_server_port (self->server));
  return TRUE;
}

/**
 * elves_agent_start:
 * @config: an #ElvesAgentConfig; must outlive the agent
 * @daemon: told when the agent serves, and when it has ended
 *
 * Returns: (transfer full): an agent that serves
 * Errors: %ELVES_ERROR_CONFIG, or what kept a part from starting
 */
ElvesAgent *
elves_agent_start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  keep_memory_small ();
  g_autoptr (ElvesAgent) self = g_new0 (ElvesAgent, 1);
  self->config = config;
  self->daemon = daemon;
  if (!start_host (self, error) || !start_registry (self, error))
    return NULL;
  start_results (self);
  start_jobs (self);
  if (!start_listening (self, error))
    return NULL;
  start_status (self);
  if (self->registry != NULL)
    self->registration = elves_registration_new (self->registry, self->config, self->apps,
                                                 elves_thrift_server_port (self->server));
  elves_daemon_ready (daemon);
  return g_steal_pointer (&self);
}
