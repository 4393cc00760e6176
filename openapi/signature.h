/* Signed requests: which parameters, in which order of checks, and the signature itself. Pure.
 * Source: elves-openapi.md section 2. */
#pragma once

#include "openapi/parameters.h"

G_BEGIN_DECLS

#define ELVES_SIGN_WINDOW_S 180 /* on both sides, exclusive */

typedef enum
{
  ELVES_SIGN_MD5,        /* sign_type=md5: of the clients there are; can be switched off */
  ELVES_SIGN_HMAC_SHA256 /* sign_type=hmac-sha256: the key is the key of the HMAC */
} ElvesSignType;

/* What a request says of its signature; texts are the parameters'. */
typedef struct
{
  ElvesSignType type;
  const char *auth_id;
  const char *sign;
  gint64 timestamp_s;
} ElvesSignClaim;

/* NULL: the claim is sound, though not yet checked against a key. Else: the error text. */
const char *elves_sign_read_claim (const ElvesParameters *parameters,
                                   gboolean allow_md5,
                                   gint64 now_s,
                                   ElvesSignClaim *out_claim);

/* (transfer full): lower-case hex. @path: as received, not decoded, without the query. */
char *elves_sign_compute (ElvesSignType type,
                          const char *path,
                          const ElvesParameters *parameters,
                          const char *key);
/* In constant time; case does not matter. */
gboolean elves_sign_matches (const ElvesSignClaim *claim,
                             const char *path,
                             const ElvesParameters *parameters,
                             const char *key);
gboolean elves_sign_secrets_equal (const char *a, const char *b); /* in constant time */

G_END_DECLS
