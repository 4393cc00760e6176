#include "queue/queue.h"

static gpointer
start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  return elves_queue_new (config, daemon, error);
}

static void
stop (gpointer self)
{
  elves_queue_stop (self);
}

static void
end (gpointer self)
{
  elves_queue_free (self);
}

static const ElvesDaemonSpec spec = {
  .name = "elves-queue",
  .summary = "Runs queues of tasks that depend on each other.",
  .options = elves_queue_options,
  .config_size = sizeof (ElvesQueueConfig),
  .check = elves_queue_config_check,
  .start = start,
  .stop = stop,
  .free = end,
};

int
main (int argc, char **argv)
{
  return elves_daemon_main (&spec, argc, argv);
}
