#include "heartbeat/heartbeat.h"

static gpointer
start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  return elves_heartbeat_new (config, daemon, error);
}

static void
stop (gpointer self)
{
  elves_heartbeat_stop (self);
}

static void
end (gpointer self)
{
  elves_heartbeat_free (self);
}

static const ElvesDaemonSpec spec = {
  .name = "elves-heartbeat",
  .summary = "Knows which agents are there: takes their heartbeats, tells other components.",
  .options = elves_heartbeat_options,
  .config_size = sizeof (ElvesHeartbeatConfig),
  .check = elves_heartbeat_config_check,
  .start = start,
  .stop = stop,
  .free = end,
};

int
main (int argc, char **argv)
{
  return elves_daemon_main (&spec, argc, argv);
}
