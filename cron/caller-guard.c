/* Keeps callbacks from addresses that their owners must not reach through us (SSRF).
 *
 * What counts is the address of the socket, not the name in the URL: a name may resolve to one
 * address when it is looked at and to another when it is called. So nothing is resolved here. GIO
 * says which address it is about to connect to: if that is forbidden, its socket is closed before
 * the first packet, and GIO goes on with the next address of the name. And before a request is
 * written, the address at the other end of its connection is looked at once more. */
#include "cron/caller-guard.h"

#include "common/address-list.h"

#include <string.h>

/* What is not of the public internet (IANA's special-purpose registries), and what hides an IPv4
   address within an IPv6 one that a gateway would unpack. */
#define PRIVATE_NETWORKS                                                                        \
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "   \
  "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "    \
  "224.0.0.0/4 240.0.0.0/4 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 " \
  "2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"

struct ElvesCronGuard
{
  ElvesAddressList *networks;
};

/**
 * elves_cron_guard_new:
 * @forbid: "" for none
 *
 * Returns: (transfer full): a guard, which may be one that forbids nothing.
 */
ElvesCronGuard *
elves_cron_guard_new (const char *forbid, gboolean forbid_private, GError **error)
{
  g_autofree char *text = g_strjoin (" ", forbid, forbid_private ? PRIVATE_NETWORKS : "", NULL);
  ElvesAddressList *networks = elves_address_list_parse (text, error);
  ElvesCronGuard *self;
  if (networks == NULL)
    return NULL;
  self = g_new0 (ElvesCronGuard, 1);
  self->networks = networks;
  return self;
}

/**
 * elves_cron_guard_free:
 * @self: (nullable):
 */
void
elves_cron_guard_free (ElvesCronGuard *self)
{
  if (self == NULL)
    return;
  elves_address_list_free (self->networks);
  g_free (self);
}

gboolean
elves_cron_guard_forbids (const ElvesCronGuard *self, GInetAddress *address)
{
  return elves_address_list_contains (self->networks, address);
}

/* @address: (nullable): one that is no internet address is forbidden as well: no URL names it. */
static gboolean
check (ElvesCronWatch *watch, GSocketAddress *address)
{
  GInetAddress *inet = G_IS_INET_SOCKET_ADDRESS (address)
                           ? g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address))
                           : NULL;
  if (inet != NULL && !elves_cron_guard_forbids (watch->guard, inet))
    {
      watch->let_through = TRUE;
      return TRUE;
    }
  g_free (watch->refused);
  watch->refused = inet != NULL ? g_inet_address_to_string (inet) : g_strdup ("unknown address");
  return FALSE;
}

static void
on_network_event (SoupMessage *message,
                  GSocketClientEvent event,
                  GIOStream *connection,
                  gpointer user_data)
{
  ElvesCronWatch *watch = user_data;
  g_autoptr (GSocketAddress) address = NULL;
  if (event != G_SOCKET_CLIENT_CONNECTING || !G_IS_SOCKET_CONNECTION (connection))
    return;
  address = g_socket_connection_get_remote_address (G_SOCKET_CONNECTION (connection), NULL);
  if (!check (watch, address))
    g_socket_close (g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection)), NULL);
}

/* The connection may be one that was made for another message. */
static void
on_starting (SoupMessage *message, gpointer user_data)
{
  ElvesCronWatch *watch = user_data;
  if (!check (watch, soup_message_get_remote_address (message)))
    {
      watch->let_through = FALSE;
      g_cancellable_cancel (watch->cancellable);
    }
}

void
elves_cron_watch_message (ElvesCronWatch *watch, SoupMessage *message)
{
  if (elves_address_list_is_empty (watch->guard->networks))
    return;
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), watch);
  g_signal_connect (message, "starting", G_CALLBACK (on_starting), watch);
}

void
elves_cron_watch_clear (ElvesCronWatch *watch)
{
  g_clear_pointer (&watch->refused, g_free);
}
