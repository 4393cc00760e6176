/* bench-gearman: calls through a gearmand, as a peer of ours: nothing is durable there, and workers
 * are C processes that answer at once. Only built where libgearman is.
 *
 *   bench-gearman --port N --worker              serves until it is ended
 *   bench-gearman --port N -w WINDOW -s SECONDS  calls, a window at a time; prints one line of JSON
 */
#include <glib.h>
#include <libgearman/gearman.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#define FUNCTION "echo"
#define TIMEOUT_MS 5000

typedef struct
{
  char param[300];
  gint64 begin_us;
} Call;

static GArray *took_us; /* of gint64 */

static void *
answer (gearman_job_st *job, void *context, size_t *size, gearman_return_t *status)
{
  *status = GEARMAN_SUCCESS;
  *size = gearman_job_workload_size (job);
  return g_memdup2 (gearman_job_workload (job), *size);
}

static int
serve (in_port_t port)
{
  gearman_worker_st *worker = gearman_worker_create (NULL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  gearman_worker_add_server (worker, "127.0.0.1", port);
  gearman_worker_add_function (worker, FUNCTION, 0, answer, NULL);
  while (gearman_success (gearman_worker_work (worker)))
    continue;
  return 1;
}

static gearman_return_t
on_complete (gearman_task_st *task)
{
  const Call *call = gearman_task_context (task);
  gint64 time_us = g_get_monotonic_time () - call->begin_us;
  g_array_append_val (took_us, time_us);
  return GEARMAN_SUCCESS;
}

static gboolean
run_window (gearman_client_st *client, Call *calls, guint window)
{
  gearman_return_t status;
  for (guint i = 0; i < window; i++)
    {
      calls[i].begin_us = g_get_monotonic_time ();
      gearman_client_add_task (client, NULL, &calls[i], FUNCTION, NULL, calls[i].param,
                               sizeof calls[i].param, &status);
    }
  status = gearman_client_run_tasks (client);
  gearman_client_task_free_all (client);
  return gearman_success (status);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;
  return (left > right) - (left < right);
}

static int
call (in_port_t port, guint window, double seconds)
{
  gearman_client_st *client = gearman_client_create (NULL);
  g_autofree Call *calls = g_new0 (Call, window);
  gint64 begin_us = g_get_monotonic_time ();
  took_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  gearman_client_add_server (client, "127.0.0.1", port);
  gearman_client_set_timeout (client, TIMEOUT_MS);
  gearman_client_set_complete_fn (client, on_complete);
  while ((double) (g_get_monotonic_time () - begin_us) < seconds * 1e6)
    if (!run_window (client, calls, window))
      {
        g_printerr ("bench-gearman: %s\n", gearman_client_error (client));
        return 1;
      }
  double took_s = (double) (g_get_monotonic_time () - begin_us) / 1e6;
  g_array_sort (took_us, compare_times);
  printf ("{\"name\":\"gearman\",\"window\":%u,\"calls\":%u,\"per_s\":%.0f,\"p50_us\":%ld}\n",
          window, took_us->len, took_us->len / took_s,
          (long) g_array_index (took_us, gint64, took_us->len / 2));
  return 0;
}

int
main (int argc, char **argv)
{
  int port = GEARMAN_DEFAULT_TCP_PORT, window = 64;
  double seconds = 3;
  gboolean worker = FALSE;
  GOptionEntry options[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "gearmand's", "PORT" },
    { "worker", 0, 0, G_OPTION_ARG_NONE, &worker, "Serve", NULL },
    { "window", 'w', 0, G_OPTION_ARG_INT, &window, "Calls at a time (64)", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long (3)", "S" },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- calls through a gearmand");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, NULL) || window < 1)
    return 2;
  return worker ? serve ((in_port_t) port) : call ((in_port_t) port, (guint) window, seconds);
}
