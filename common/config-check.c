/* Rules between keys that the scheduler and the agent have in common: where they may listen, what
   ZooKeeper needs, how they try again. Ranges of single keys are in the option tables.

   Nothing is looked up in the system or in the network: a configuration is right or wrong by its
   text alone, so that --check-config says the same on every host. */

#include "common/config-check.h"

#include "common/address-list.h"
#include "common/error.h"

#include <string.h>

/**
 * elves_config_uses_registry:
 * @enabled: the value of zookeeper.enabled: 1, 0, or -1 when it is not given
 * @host: the value of zookeeper.host
 *
 * Returns: whether ZooKeeper is used.
 */
gboolean
elves_config_uses_registry (int enabled, const char *host)
{
  return enabled > 0 || (enabled < 0 && *host);
}

static gboolean
root_is_valid (const char *root)
{
  gsize length = strlen (root);
  return length > 1 && root[0] == '/' && root[length - 1] != '/' && !strstr (root, "//");
}

/**
 * elves_config_check_registry:
 * @enabled: the value of zookeeper.enabled: 1, 0, or -1 when it is not given
 * @host: the value of zookeeper.host
 * @root: the value of zookeeper.root
 *
 * Errors: %ELVES_ERROR_CONFIG when ZooKeeper is on without a host, or @root is no absolute path.
 */
gboolean
elves_config_check_registry (int enabled, const char *host, const char *root, GError **error)
{
  if (elves_config_uses_registry (enabled, host) && !*host)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                           "zookeeper.enabled is true: zookeeper.host is missing");
      return FALSE;
    }
  if (!root_is_valid (root))
    {
      g_set_error (
          error, ELVES_ERROR, ELVES_ERROR_CONFIG,
          "zookeeper.root: \"%s\" must begin with a slash, end without one and have a name "
          "between any two",
          root);
      return FALSE;
    }
  return TRUE;
}

/**
 * elves_config_check_listen:
 * @listen_key: the key of @host, for the message
 * @host: where to listen
 * @allow_key: the key of @allowed, for the message
 * @allowed: the allow list as text
 *
 * Errors: %ELVES_ERROR_CONFIG when @allowed is no list of addresses, or is empty while @host is not
 *   loopback.
 */
gboolean
elves_config_check_listen (const char *listen_key,
                           const char *host,
                           const char *allow_key,
                           const char *allowed,
                           GError **error)
{
  g_autoptr (ElvesAddressList) list = elves_address_list_parse (allowed, error);
  if (!list)
    {
      g_prefix_error (error, "%s: ", allow_key);
      return FALSE;
    }
  if (elves_listen_address_check (host, list, allow_key, error))
    return TRUE;
  g_prefix_error (error, "%s: ", listen_key);
  return FALSE;
}

/**
 * elves_config_check_metrics:
 * @host: the value of metrics.listen; empty: no status is served
 * @allowed: the value of metrics.authips
 *
 * Errors: %ELVES_ERROR_CONFIG when @host is no address, or beyond loopback without @allowed.
 */
gboolean
elves_config_check_metrics (const char *host, const char *allowed, GError **error)
{
  if (*host == '\0')
    return TRUE;
  if (!g_hostname_is_ip_address (host))
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                   "metrics.listen: \"%s\" is no address (expected one, or nothing: no status)",
                   host);
      return FALSE;
    }
  return elves_config_check_listen ("metrics.listen", host, "metrics.authips", allowed, error);
}

/**
 * elves_config_check_retry:
 * @first_ms: the value of retry.first, in milliseconds
 * @cap_ms: the value of retry.cap, in milliseconds
 *
 * Errors: %ELVES_ERROR_CONFIG when the first delay is longer than the longest.
 */
gboolean
elves_config_check_retry (guint first_ms, guint cap_ms, GError **error)
{
  if (first_ms <= cap_ms)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "retry.first: %u ms is more than retry.cap, %u ms", first_ms, cap_ms);
  return FALSE;
}
