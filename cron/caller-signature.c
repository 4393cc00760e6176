/* HMAC-SHA256 over the time, the execution's key and the body, as one text. The time is in it so
   that a receiver can refuse what was recorded and sent again; the key, so that the body of one
   execution cannot be passed off as another's. */
#include "cron/caller-signature.h"

#include <string.h>

/**
 * elves_cron_call_signature:
 * @sign_key: the secret
 * @now_s: Unix time of the try: each try has a signature of its own
 * @execution: the execution's key
 *
 * Returns: (transfer full): the value of the header.
 */
char *
elves_cron_call_signature (const char *sign_key, gint64 now_s, const char *execution, GBytes *body)
{
  g_autofree char *head = g_strdup_printf ("%" G_GINT64_FORMAT ".%s.", now_s, execution);
  gsize length;
  const guchar *data = g_bytes_get_data (body, &length);
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) sign_key, strlen (sign_key));
  char *value;
  g_hmac_update (hmac, (const guchar *) head, (gssize) strlen (head));
  g_hmac_update (hmac, data, (gssize) length);
  value = g_strdup_printf ("t=%" G_GINT64_FORMAT ",v1=%s", now_s, g_hmac_get_string (hmac));
  g_hmac_unref (hmac);
  return value;
}
