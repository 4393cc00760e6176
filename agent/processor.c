/* runProcessor calls, for async jobs of mode P.
 *
 * Where to is said by the app's appcfg.json: {"Processor":{"Addr","Port","Timeout"}}, member names
 * in any case, Timeout in seconds. Each result is sent once, over a connection of its own, whatever
 * becomes of it: this is a courtesy to the app, and the scheduler has the result anyway. Missing or
 * broken files, processors that are away: one line in the log per app until it works again.
 *
 * Calls in flight are bounded, and so are those that wait behind them.
 */
#include "agent/processor.h"

#include "agent/app-config.h"
#include "common/log.h"
#include "common/rpc-codec.h"
#include "common/thrift-link.h"

#define MAX_CALLS 32
#define MAX_WAITING 1000
#define DEFAULT_TIMEOUT_S 60 /* the file says 0 or nothing */
#define MAX_TIMEOUT_S 3600

struct ElvesProcessor
{
  ElvesPoller *poller;
  const ElvesApps *apps;
  ElvesDeadlines *deadlines;
  GHashTable *calls;    /* set of Call */
  GQueue waiting;       /* of ElvesReinstruct */
  GHashTable *troubled; /* set of app names that were complained about */
};

typedef struct
{
  char *host;
  guint16 port;
  guint timeout_s;
} Target;

typedef struct
{
  ElvesProcessor *processor;
  ElvesReinstruct *result;
  ElvesThriftLink *link;
  ElvesDeadline deadline;
} Call;

static void start_next (ElvesProcessor *self);

/* ---- appcfg.json ---------------------------------------------------------------------------- */

/* Returns: (nullable): what is wrong with it. */
static const char *
read_target (const ElvesAppConfig *config, Target *out_target)
{
  ElvesJsonValue host = elves_app_config_get (config, "Addr");
  gint64 port = elves_app_config_number (config, "Port");
  gint64 timeout_s = elves_app_config_number (config, "Timeout");
  if (host.kind != ELVES_JSON_STRING || host.length == 0 || port < 1 || port > G_MAXUINT16)
    return "Processor needs Addr, a text, and Port, a number";
  out_target->host = elves_json_value_to_text (host);
  out_target->port = port;
  out_target->timeout_s = timeout_s > 0 ? MIN (timeout_s, MAX_TIMEOUT_S) : DEFAULT_TIMEOUT_S;
  return NULL;
}

/* Returns: (transfer full) (nullable): what is wrong with it. */
static char *
load_target (const char *path, Target *out_target)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesAppConfig) config = elves_app_config_read (path, "Processor", &error);
  return g_strdup (config != NULL ? read_target (config, out_target) : error->message);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void
complain (ElvesProcessor *self, const char *app, const char *problem)
{
  if (!g_hash_table_add (self->troubled, g_strdup (app)))
    return;
  g_autofree char *error = elves_log_field ("error", problem);
  g_warning ("cannot call the processor of an app app=%s %s", app, error);
}

static void
call_free (Call *call)
{
  elves_deadlines_disarm (call->processor->deadlines, &call->deadline);
  elves_thrift_link_free (call->link);
  elves_reinstruct_unref (call->result);
  g_free (call);
}

static void
call_end (Call *call, const char *problem)
{
  ElvesProcessor *self = call->processor;
  const char *app = call->result->instruct->app;
  if (problem != NULL)
    complain (self, app, problem);
  else
    g_hash_table_remove (self->troubled, app);
  g_hash_table_remove (self->calls, call);
  start_next (self);
}

static void
on_due (ElvesDeadline *deadline, gpointer user_data)
{
  call_end (user_data, "no answer in time");
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  gint32 seqid;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gboolean understood =
      elves_rpc_decode_text (bytes, length, ELVES_RPC_RUN_PROCESSOR, &seqid, &text, &error);
  call_end (user_data, understood ? NULL : error->message);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  g_autofree char *problem =
      g_strdup (error != NULL ? error->message : "it closed the connection without an answer");
  call_end (user_data, problem);
}

static void
call_start (ElvesProcessor *self, ElvesReinstruct *result, const Target *target)
{
  static const ElvesThriftLinkCallbacks callbacks = { .message = on_message, .closed = on_closed };
  ElvesThriftLinkOptions options = {
    .limits = elves_thrift_default_limits,
    .connect_timeout_ms = target->timeout_s * 1000,
    .output_limit_bytes = G_MAXSIZE, /* one message: its size is bounded elsewhere */
  };
  Call *call = g_new0 (Call, 1);
  call->processor = self;
  call->result = elves_reinstruct_ref (result);
  call->link = elves_thrift_link_connect (self->poller, target->host, target->port, &options,
                                          &callbacks, call);
  elves_rpc_encode_run_processor (elves_thrift_link_output (call->link), 1, result);
  elves_thrift_link_flush (call->link);
  elves_deadlines_arm (self->deadlines, &call->deadline,
                       g_get_monotonic_time () + target->timeout_s * G_USEC_PER_SEC, on_due, call);
  g_hash_table_add (self->calls, call);
}

static void
start (ElvesProcessor *self, ElvesReinstruct *result)
{
  const char *app = result->instruct->app;
  g_autofree char *path = elves_apps_path (self->apps, app, ELVES_APP_CONFIG_FILE);
  Target target = { NULL };
  g_autofree char *problem = load_target (path, &target);
  if (problem != NULL)
    complain (self, app, problem);
  else
    call_start (self, result, &target);
  g_free (target.host);
}

static void
start_next (ElvesProcessor *self)
{
  while (g_hash_table_size (self->calls) < MAX_CALLS && !g_queue_is_empty (&self->waiting))
    {
      g_autoptr (ElvesReinstruct) result = g_queue_pop_head (&self->waiting);
      start (self, result);
    }
}

/**
 * elves_processor_new:
 * @poller: for the connections
 * @deadlines: for their timeouts
 * @apps: whose processors are called; all three must outlive the result
 *
 * Returns: (transfer full): the caller of processors
 */
ElvesProcessor *
elves_processor_new (ElvesPoller *poller, ElvesDeadlines *deadlines, const ElvesApps *apps)
{
  ElvesProcessor *self = g_new0 (ElvesProcessor, 1);
  self->poller = poller;
  self->apps = apps;
  self->deadlines = deadlines;
  self->calls = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) call_free, NULL);
  self->troubled = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->waiting);
  return self;
}

/**
 * elves_processor_free:
 * @self: (nullable): the caller of processors; open calls are given up
 */
void
elves_processor_free (ElvesProcessor *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->calls);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) elves_reinstruct_unref);
  g_hash_table_unref (self->troubled);
  g_free (self);
}

/**
 * elves_processor_notify:
 * @self: the caller of processors
 * @result: of an async job; nothing happens unless its mode is P and its app is installed
 */
void
elves_processor_notify (ElvesProcessor *self, ElvesReinstruct *result)
{
  const ElvesInstruct *instruct = result->instruct;
  if (g_ascii_strcasecmp (instruct->mode, "p") != 0 ||
      !elves_apps_is_installed (self->apps, instruct->app))
    return;
  if (g_queue_get_length (&self->waiting) >= MAX_WAITING)
    {
      complain (self, instruct->app, "too many results wait for processors: one is not sent");
      return;
    }
  g_queue_push_tail (&self->waiting, elves_reinstruct_ref (result));
  start_next (self);
}
