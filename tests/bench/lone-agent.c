#include "tests/bench/lone-agent.h"

#include "common/rpc-codec.h"
#include "common/thrift-link.h"

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_LIMIT_US (20 * G_USEC_PER_SEC)
#define PARAM_LIMIT_S 30

struct LoneAgent
{
  char *folder;
  pid_t pid;
  guint16 port;
  ElvesPoller *poller;
};

typedef struct
{
  LoneAgent *agent;
  const LonePlan *plan;
  ElvesInstruct *instruct;
  gint64 until_us;
  guint open, running;
  GArray *times_us; /* of guint32 */
} Load;

typedef struct
{
  Load *load;
  gint64 sent_us;
} Caller;

/* ---- the agent ------------------------------------------------------------------------------ */

static guint16
free_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind (fd, (struct sockaddr *) &address, length) != 0 ||
      getsockname (fd, (struct sockaddr *) &address, &length) != 0)
    g_error ("no free port");
  close (fd);
  return ntohs (address.sin_port);
}

static char *
in_folder (const LoneAgent *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

static void
write_config (const LoneAgent *self, const char *path)
{
  g_autofree char *text = g_strdup_printf ("agent.ip=127.0.0.1\nagent.port=%u\n"
                                           "zookeeper.enabled=false\nmetrics.listen=\n"
                                           "apps.dir=%s/apps\njournal.dir=%s/journal\n"
                                           "run.dir=%s/run\nshutdown.timeout=1\n",
                                           self->port, self->folder, self->folder, self->folder);
  if (!g_file_set_contents (path, text, -1, NULL))
    g_error ("cannot write %s", path);
}

static void
run_agent (const LoneAgent *self, const char *config, const char *ready)
{
  const char *build = g_getenv ("ELVES_BUILD_DIR");
  g_autofree char *program = g_build_filename (build != NULL ? build : ".", "elves-agent", NULL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  execl (program, program, "--config", config, "--ready-file", ready, "--log-level", "error", NULL);
  perror (program);
  _exit (127);
}

LoneAgent *
lone_agent_start (void)
{
  LoneAgent *self = g_new0 (LoneAgent, 1);
  self->folder = g_dir_make_tmp ("elves-bench-XXXXXX", NULL);
  self->port = free_port ();
  self->poller = elves_poller_new (NULL);
  g_autofree char *apps = in_folder (self, "apps");
  g_autofree char *config = in_folder (self, "agent.properties");
  g_autofree char *ready = in_folder (self, "ready");
  g_mkdir (apps, 0755);
  write_config (self, config);
  self->pid = fork ();
  if (self->pid == 0)
    run_agent (self, config, ready);
  for (gint64 end_us = g_get_monotonic_time () + READY_LIMIT_US; access (ready, F_OK) != 0;)
    {
      if (g_get_monotonic_time () > end_us || waitpid (self->pid, NULL, WNOHANG) != 0)
        g_error ("the agent does not start");
      g_usleep (1000);
    }
  return self;
}

void
lone_agent_stop (LoneAgent *self)
{
  kill (self->pid, SIGTERM);
  waitpid (self->pid, NULL, 0);
  const char *const argv[] = { "rm", "-rf", self->folder, NULL };
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
  elves_poller_free (self->poller);
  g_free (self->folder);
  g_free (self);
}

void
lone_agent_install (LoneAgent *self,
                    const char *app,
                    const char *file,
                    const char *text,
                    gssize length)
{
  g_autofree char *folder = g_build_filename (self->folder, "apps", app, NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_mkdir_with_parents (folder, 0755);
  if (!g_file_set_contents (path, text, length, NULL) || g_chmod (path, 0755) != 0)
    g_error ("cannot write %s", path);
}

/* Processor time until now, in us. */
static double
agent_cpu_us (const LoneAgent *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) self->pid);
  g_autofree char *text = NULL;
  unsigned long long user = 0, system = 0;
  if (!g_file_get_contents (path, &text, NULL, NULL) ||
      sscanf (strrchr (text, ')') + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu",
              &user, &system) != 2)
    g_error ("the agent is gone");
  return (user + system) * 1e6 / sysconf (_SC_CLK_TCK);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void
send_call (ElvesThriftLink *link, Caller *caller)
{
  caller->sent_us = g_get_monotonic_time ();
  elves_rpc_encode_invoke_sync (elves_thrift_link_output (link), 1, caller->load->instruct);
  elves_thrift_link_flush (link);
}

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  ((Caller *) user_data)->load->open++;
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  Caller *caller = user_data;
  Load *load = caller->load;
  gint32 seqid;
  g_autoptr (ElvesReinstruct) answer = NULL;
  g_autoptr (GError) error = NULL;
  if (!elves_rpc_decode_reinstruct (bytes, length, ELVES_RPC_INVOKE_SYNC, &seqid, &answer, &error))
    g_error ("%s", error->message);
  if (answer->flag != 1)
    g_error ("a call failed: %s", (const char *) g_bytes_get_data (answer->result, NULL));
  gint64 now_us = g_get_monotonic_time ();
  guint32 took_us = now_us - caller->sent_us;
  g_array_append_val (load->times_us, took_us);
  if (now_us < load->until_us)
    send_call (link, caller);
  else
    load->running--;
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  g_error ("the agent closed: %s", error != NULL ? error->message : "no error");
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  guint32 first = *(const guint32 *) a, second = *(const guint32 *) b;
  return (first > second) - (first < second);
}

static void
iterate_until (const guint *count, guint wanted)
{
  while (*count != wanted)
    g_main_context_iteration (NULL, TRUE);
}

void
lone_agent_run (LoneAgent *self, const LonePlan *plan, LoneResult *out_result)
{
  static const ElvesThriftLinkCallbacks callbacks = { on_opened, on_message, on_closed };
  ElvesThriftLinkOptions options = { .limits = elves_thrift_default_limits,
                                     .connect_timeout_ms = 5000,
                                     .output_limit_bytes = 1024 * 1024 };
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->id, "bench");
  elves_instruct_set (&instruct->app, plan->app);
  elves_instruct_set (&instruct->func, plan->func);
  elves_instruct_set (&instruct->proxy, plan->proxy);
  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new (plan->param, strlen (plan->param));
  instruct->timeout_s = PARAM_LIMIT_S;
  Load load = { .agent = self, .plan = plan, .instruct = instruct };
  load.times_us = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autofree Caller *callers = g_new0 (Caller, plan->window);
  g_autofree ElvesThriftLink **links = g_new0 (ElvesThriftLink *, plan->window);
  for (guint i = 0; i < plan->window; i++)
    {
      callers[i].load = &load;
      links[i] = elves_thrift_link_connect (self->poller, "127.0.0.1", self->port, &options,
                                            &callbacks, &callers[i]);
    }
  iterate_until (&load.open, plan->window);
  double cpu_us = agent_cpu_us (self);
  gint64 began_us = g_get_monotonic_time ();
  load.until_us = began_us + plan->seconds * G_USEC_PER_SEC;
  load.running = plan->window;
  for (guint i = 0; i < plan->window; i++)
    send_call (links[i], &callers[i]);
  iterate_until (&load.running, 0);
  double seconds = (g_get_monotonic_time () - began_us) / 1e6;
  g_array_sort (load.times_us, compare_times);
  out_result->per_second = load.times_us->len / seconds;
  out_result->p50_us = g_array_index (load.times_us, guint32, load.times_us->len / 2);
  out_result->cpu_us = (agent_cpu_us (self) - cpu_us) / load.times_us->len;
  for (guint i = 0; i < plan->window; i++)
    elves_thrift_link_free (links[i]);
  g_array_unref (load.times_us);
}
