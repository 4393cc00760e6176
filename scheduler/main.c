#include "scheduler/scheduler.h"

static gpointer
start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  return elves_scheduler_new (config, daemon, error);
}

static void
stop (gpointer self)
{
  elves_scheduler_stop (self);
}

static void
end (gpointer self)
{
  elves_scheduler_free (self);
}

static const ElvesDaemonSpec spec = {
  .name = "elves-scheduler",
  .summary = "Takes jobs from RabbitMQ, has agents run them, returns the results.",
  .options = elves_scheduler_options,
  .config_size = sizeof (ElvesSchedulerConfig),
  .check = elves_scheduler_config_check,
  .start = start,
  .stop = stop,
  .free = end,
};

int
main (int argc, char **argv)
{
  return elves_daemon_main (&spec, argc, argv);
}
