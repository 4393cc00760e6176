/* The keys of the scheduler's file that elvesctl needs; all its others are passed over. */
#include "cli/settings.h"

#define ROW(key, type, field, fallback, low, high)                                               \
  {                                                                                              \
    key, type, G_STRUCT_OFFSET (ElvesCliSettings, field), fallback, low, high, NULL, NULL, 0, "" \
  }

static const ElvesOption options[] = {
  ROW ("mq.ip", ELVES_OPTION_STRING, mq_host, "127.0.0.1", 0, 0),
  ROW ("mq.port", ELVES_OPTION_UINT, mq_port, "5672", 1, 65535),
  ROW ("mq.user", ELVES_OPTION_STRING, mq_user, "", 0, 0),
  ROW ("mq.password", ELVES_OPTION_SECRET, mq_password, "", 0, 0),
  ROW ("mq.vhost", ELVES_OPTION_STRING, mq_vhost, "/", 0, 0),
  ROW ("mq.exchange", ELVES_OPTION_STRING, mq_exchange, "elves", 0, 0),
  ROW ("mq.connectTimeout", ELVES_OPTION_UINT, mq_connect_timeout_ms, "5000", 1, 3600000),
  ROW ("zookeeper.host", ELVES_OPTION_STRING, zookeeper_host, "127.0.0.1:2181", 0, 0),
  ROW ("zookeeper.root", ELVES_OPTION_STRING, zookeeper_root, "/elves", 0, 0),
  ROW ("zookeeper.outTime", ELVES_OPTION_UINT, zookeeper_session_ms, "10000", 1000, 600000),
  { NULL },
};

/**
 * elves_cli_settings_load:
 * @self: filled on success.
 * @context: the file (none: environment only) and what the command line sets.
 * @error: what is wrong in it.
 *
 * Returns: FALSE with @error set.
 */
gboolean
elves_cli_settings_load (ElvesCliSettings *self, const ElvesCliContext *context, GError **error)
{
  g_auto (GStrv) environment = g_get_environ ();

  return elves_config_load (options, self, context->config_file, (const char *const *) environment,
                            context->overrides, TRUE, error);
}

/**
 * elves_cli_settings_clear:
 * @self: settings, loaded or zero-filled.
 */
void
elves_cli_settings_clear (ElvesCliSettings *self)
{
  elves_config_clear (options, self);
}
