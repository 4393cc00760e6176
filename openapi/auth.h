/* Who may call: a signature or a token, the key behind it, and what it may touch. Answers later: in
 * supervisor mode the supervisor is asked. Source: elves-openapi.md section 2. */
#pragma once

#include "common/caller.h"
#include "openapi/config.h"
#include "openapi/parameters.h"

G_BEGIN_DECLS

typedef struct ElvesAuth ElvesAuth;

typedef struct
{
  const char *path;   /* as received */
  const char *bearer; /* (nullable) the token of the Authorization header */
  const ElvesParameters *parameters;
} ElvesAuthRequest; /* valid until the answer */

/* @auth_id: who it is; NULL: refused, with @error_text. */
typedef void (*ElvesAuthFunc) (const char *auth_id, const char *error_text, gpointer user_data);

/* Both outlive it. */
ElvesAuth *elves_auth_new (const ElvesOpenapiConfig *config, ElvesCaller *caller);
void elves_auth_free (ElvesAuth *self); /* after @caller, whose calls lead here */
/* @func may come from inside. */
void elves_auth_check (ElvesAuth *self,
                       const ElvesAuthRequest *request,
                       ElvesAuthFunc func,
                       gpointer user_data);
/* Whether @auth_id may use @app and @ip (both nullable); valid until the answer. */
void elves_auth_permit (ElvesAuth *self,
                        const char *auth_id,
                        const char *app,
                        const char *ip,
                        ElvesAuthFunc func,
                        gpointer user_data);

G_END_DECLS
