#include "cron/cron.h"

static gpointer
start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  return elves_cron_new (config, daemon, error);
}

static void
stop (gpointer self)
{
  elves_cron_stop (self);
}

static void
end (gpointer self)
{
  elves_cron_free (self);
}

static const ElvesDaemonSpec spec = {
  .name = "elves-cron",
  .summary = "Fires timed tasks: jobs, HTTP requests, messages.",
  .options = elves_cron_options,
  .config_size = sizeof (ElvesCronConfig),
  .check = elves_cron_config_check,
  .start = start,
  .stop = stop,
  .free = end,
};

int
main (int argc, char **argv)
{
  return elves_daemon_main (&spec, argc, argv);
}
