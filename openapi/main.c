#include "openapi/openapi.h"

static gpointer
start (gconstpointer config, ElvesDaemon *daemon, GError **error)
{
  return elves_openapi_new (config, daemon, error);
}

static void
stop (gpointer self)
{
  elves_openapi_stop (self);
}

static void
end (gpointer self)
{
  elves_openapi_free (self);
}

static const ElvesDaemonSpec spec = {
  .name = "elves-openapi",
  .summary = "HTTP in front of the other components.",
  .options = elves_openapi_options,
  .config_size = sizeof (ElvesOpenapiConfig),
  .check = elves_openapi_config_check,
  .start = start,
  .stop = stop,
  .free = end,
};

int
main (int argc, char **argv)
{
  return elves_daemon_main (&spec, argc, argv);
}
