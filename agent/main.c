/* elves-agent: runs functions of the apps on this host for schedulers that ask by Thrift. */
#include "agent/agent.h"
#include "agent/config.h"
#include "agent/spawn.h"

static gpointer
start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  return elves_agent_start (config, daemon, error);
}

static void
stop (gpointer self)
{
  elves_agent_stop (self);
}

static void
free_agent (gpointer self)
{
  elves_agent_free (self);
}

int
main (int argc, char **argv)
{
  static const ElvesDaemonSpec spec = {
    .name = "elves-agent",
    .summary = "runs functions of apps on this host",
    .options = elves_agent_options,
    .config_size = sizeof (ElvesAgentConfig),
    .check = elves_agent_config_check,
    .start = start,
    .stop = stop,
    .free = free_agent,
  };
  elves_spawn_prepare ();
  return elves_daemon_main (&spec, argc, argv);
}
