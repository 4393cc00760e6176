/* Who may call: a list of addresses and networks, and the rule that no daemon listens beyond
   loopback without one.

   The lists of the configuration are short (tens of entries), so a lookup walks them. Host names
   are no entries: a name would have to be resolved for each call. IPv4 has one form here: what
   arrives on a dual-stack socket as ::ffff:a.b.c.d is a.b.c.d, and ::1 is 127.0.0.1, in the list
   and in the question. */

#include "common/address-list.h"

#include "common/error.h"

#include <string.h>

struct ElvesAddressList
{
  GPtrArray *masks; /* of GInetAddressMask */
};

enum
{
  IPV6_BYTES = 16,
  MAPPED_PREFIX_BYTES = 12,
  MAPPED_PREFIX_BITS = 96
};

static GInetAddress *
address_normalized (GInetAddress *address)
{
  static const guint8 mapped_prefix[MAPPED_PREFIX_BYTES] = { [10] = 0xFF, [11] = 0xFF };
  static const guint8 v6_loopback[IPV6_BYTES] = { [15] = 1 };

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return g_object_ref (address);
  const guint8 *bytes = g_inet_address_to_bytes (address);
  if (memcmp (bytes, mapped_prefix, sizeof mapped_prefix) == 0)
    return g_inet_address_new_from_bytes (bytes + MAPPED_PREFIX_BYTES, G_SOCKET_FAMILY_IPV4);
  if (memcmp (bytes, v6_loopback, sizeof v6_loopback) == 0)
    return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  return g_object_ref (address);
}

/* ::ffff:10.0.0.0/104 becomes 10.0.0.0/8; ::1 becomes 127.0.0.1; the rest stays. */
static GInetAddressMask *
mask_normalized (GInetAddressMask *mask)
{
  GInetAddress *address = g_inet_address_mask_get_address (mask);
  guint bits = g_inet_address_mask_get_length (mask);
  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6 || bits < MAPPED_PREFIX_BITS)
    return g_object_ref (mask);

  g_autoptr (GInetAddress) normalized = address_normalized (address);
  gboolean is_single = bits == IPV6_BYTES * 8;
  if (normalized == address || (g_inet_address_get_is_loopback (address) && !is_single))
    return g_object_ref (mask);
  return g_inet_address_mask_new (normalized, bits - MAPPED_PREFIX_BITS, NULL);
}

/**
 * elves_address_list_parse:
 * @text: addresses ("10.1.2.3", "::1") and networks ("10.0.0.0/8") separated by commas or blanks
 *
 * Returns: (transfer full): the list; %NULL on error
 *
 * Errors: %ELVES_ERROR_CONFIG names the first entry that is neither.
 */
ElvesAddressList *
elves_address_list_parse (const char *text, GError **error)
{
  g_autoptr (ElvesAddressList) self = g_new0 (ElvesAddressList, 1);
  self->masks = g_ptr_array_new_with_free_func (g_object_unref);

  g_auto (GStrv) entries = g_strsplit_set (text, ", \t\r\n", -1);
  for (char **entry = entries; *entry; entry++)
    {
      if (!**entry)
        continue;
      g_autoptr (GError) mask_error = NULL;
      g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (*entry, &mask_error);
      g_autoptr (GInetAddressMask) normalized = mask ? mask_normalized (mask) : NULL;
      if (!normalized)
        {
          g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                       "\"%s\" is not an address or a network such as 10.0.0.0/8%s%s", *entry,
                       mask_error ? ": " : "", mask_error ? mask_error->message : "");
          return NULL;
        }
      g_ptr_array_add (self->masks, g_steal_pointer (&normalized));
    }
  return g_steal_pointer (&self);
}

/**
 * elves_address_list_free:
 * @self: (nullable):
 */
void
elves_address_list_free (ElvesAddressList *self)
{
  if (!self)
    return;
  g_ptr_array_unref (self->masks);
  g_free (self);
}

/**
 * elves_address_list_is_empty:
 *
 * Returns: whether the list has no entry; what that means is the caller's rule.
 */
gboolean
elves_address_list_is_empty (const ElvesAddressList *self)
{
  return self->masks->len == 0;
}

/**
 * elves_address_list_contains:
 * @address: the address of a peer
 *
 * Returns: whether an entry is or holds @address. Any thread, as nothing changes a list.
 */
gboolean
elves_address_list_contains (const ElvesAddressList *self, GInetAddress *address)
{
  g_autoptr (GInetAddress) normalized = address_normalized (address);
  for (guint i = 0; i < self->masks->len; i++)
    if (g_inet_address_mask_matches (g_ptr_array_index (self->masks, i), normalized))
      return TRUE;
  return FALSE;
}

static gboolean
host_is_loopback (const char *host)
{
  if (g_ascii_strcasecmp (host, "localhost") == 0)
    return TRUE;
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  if (!address)
    return FALSE;
  g_autoptr (GInetAddress) normalized = address_normalized (address);
  return g_inet_address_get_is_loopback (normalized);
}

/**
 * elves_listen_address_check:
 * @host: what a daemon is told to listen on
 * @allowed: (nullable): who may call
 * @allow_key: the configuration key of @allowed, for the message
 *
 * Returns: whether it may listen there
 *
 * Errors: %ELVES_ERROR_CONFIG when @host is beyond loopback and @allowed has no entry.
 */
gboolean
elves_listen_address_check (const char *host,
                            const ElvesAddressList *allowed,
                            const char *allow_key,
                            GError **error)
{
  if (host_is_loopback (host) || (allowed && !elves_address_list_is_empty (allowed)))
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "listening on \"%s\" lets other hosts call: set %s to the addresses that may", host,
               allow_key);
  return FALSE;
}
