#include "openapi/signature.h"

#include "openapi/errors.h"

#include <string.h>

enum
{
  MD5_HEX = 32,
  SHA256_HEX = 64
};

static gboolean
is_digits (const char *text)
{
  return *text != '\0' && text[strspn (text, "0123456789")] == '\0';
}

/* A number beyond 64 bits is a time long gone by, or far ahead. */
static gboolean
is_in_window (const char *digits, gint64 now_s, gint64 *out_timestamp_s)
{
  return g_ascii_string_to_signed (digits, 10, 0, G_MAXINT64, out_timestamp_s, NULL) &&
         *out_timestamp_s > now_s - ELVES_SIGN_WINDOW_S &&
         *out_timestamp_s < now_s + ELVES_SIGN_WINDOW_S;
}

static gboolean
read_type (const char *text, gboolean allow_md5, ElvesSignType *out_type)
{
  *out_type = g_ascii_strcasecmp (text, "md5") == 0 ? ELVES_SIGN_MD5 : ELVES_SIGN_HMAC_SHA256;
  return *out_type == ELVES_SIGN_MD5 ? allow_md5 : g_ascii_strcasecmp (text, "hmac-sha256") == 0;
}

/**
 * elves_sign_read_claim:
 * @allow_md5: whether sign_type=md5 is taken
 * @now_s: Unix time
 * @out_claim: (out caller-allocates): lives as long as @parameters
 *
 * The first check that fails is the answer.
 *
 * Returns: (nullable): the error text; %NULL when @out_claim is set
 */
const char *
elves_sign_read_claim (const ElvesParameters *parameters,
                       gboolean allow_md5,
                       gint64 now_s,
                       ElvesSignClaim *out_claim)
{
  static const char *const mandatory[] = { "timestamp", "sign_type", "sign", "auth_id" };
  const char *timestamp;

  for (guint i = 0; i < G_N_ELEMENTS (mandatory); i++)
    if (elves_parameters_is_blank (parameters, mandatory[i]))
      return ELVES_API_MISSING_SIGN;
  out_claim->auth_id = elves_parameters_get (parameters, "auth_id");
  out_claim->sign = elves_parameters_get (parameters, "sign");
  timestamp = elves_parameters_get (parameters, "timestamp");
  if (!read_type (elves_parameters_get (parameters, "sign_type"), allow_md5, &out_claim->type))
    return ELVES_API_SIGN_TYPE;
  if (strlen (out_claim->sign) != (out_claim->type == ELVES_SIGN_MD5 ? MD5_HEX : SHA256_HEX))
    return ELVES_API_SIGN_LENGTH;
  if (!is_digits (timestamp))
    return ELVES_API_TIMESTAMP;
  if (!is_in_window (timestamp, now_s, &out_claim->timestamp_s))
    return ELVES_API_SIGN_TIMEOUT;
  return NULL;
}

/* Of a path that begins with "//" every "//" becomes "/". */
static char *
signed_path (const char *path)
{
  g_auto (GStrv) parts = NULL;

  if (!g_str_has_prefix (path, "//"))
    return g_strdup (path);
  parts = g_strsplit (path, "//", -1);
  return g_strjoinv ("/", parts);
}

/* As Java's trim(): all up to the blank, on both sides. */
static void
trim (char *text)
{
  gsize length = strlen (text);
  gsize start = 0;

  while (length > 0 && (guchar) text[length - 1] <= ' ')
    length--;
  while (start < length && (guchar) text[start] <= ' ')
    start++;
  memmove (text, text + start, length - start);
  text[length - start] = '\0';
}

/**
 * elves_sign_compute:
 * @path: as received, not decoded, without the query
 * @key: of the auth_id
 *
 * Returns: (transfer full): lower-case hex
 */
char *
elves_sign_compute (ElvesSignType type,
                    const char *path,
                    const ElvesParameters *parameters,
                    const char *key)
{
  static const char *const left_out[] = { "sign", "sign_type", NULL };
  g_autofree char *resource = signed_path (path);
  g_autofree char *sorted = elves_parameters_to_sorted_text (parameters, left_out);
  g_autofree char *clean_key = g_strdup (key);
  g_autofree char *text =
      g_strconcat (resource, "?", sorted, type == ELVES_SIGN_MD5 ? key : "", NULL);

  trim (clean_key);
  trim (text);
  if (type == ELVES_SIGN_MD5)
    return g_compute_checksum_for_string (G_CHECKSUM_MD5, text, -1);
  return g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) clean_key,
                                    strlen (clean_key), text, -1);
}

/**
 * elves_sign_secrets_equal:
 *
 * Returns: whether both are the same; how long it takes depends on the lengths only
 */
gboolean
elves_sign_secrets_equal (const char *a, const char *b)
{
  gsize length = strlen (a);
  guchar difference = 0;

  if (strlen (b) != length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    difference |= (guchar) (a[i] ^ b[i]);
  return difference == 0;
}

/**
 * elves_sign_matches:
 * @claim: of elves_sign_read_claim()
 *
 * Returns: whether the request was signed with @key
 */
gboolean
elves_sign_matches (const ElvesSignClaim *claim,
                    const char *path,
                    const ElvesParameters *parameters,
                    const char *key)
{
  g_autofree char *expected = elves_sign_compute (claim->type, path, parameters, key);
  g_autofree char *given = g_ascii_strdown (claim->sign, -1);

  return elves_sign_secrets_equal (expected, given);
}
