/* What the parts of the v2 API share. Nobody else includes this.
 *
 * v2.c            a request: its parameters, its caller's rights, its module, its checks
 * v2-endpoints.c  the endpoints: which checks, what is asked of whom, what is answered */
#pragma once

#include "openapi/v2.h"

G_BEGIN_DECLS

typedef struct ElvesV2Call ElvesV2Call;

/* A parameter and what it may be. */
typedef struct
{
  const char *name;
  gboolean (*is_valid) (const char *text);
  const char *error_text;
  const char *original_text; /* (nullable) what the original answers, where it differs */
} ElvesV2Check;

enum
{
  ELVES_V2_CHECKS_MAX = 8
};

typedef struct
{
  const char *path;
  const ElvesV2Check *checks[ELVES_V2_CHECKS_MAX]; /* in order; NULL-terminated */
  void (*start) (ElvesV2Call *call);
} ElvesV2Endpoint;

extern const ElvesV2Endpoint elves_v2_endpoints[]; /* ends with a NULL path */

/* One request that passed all checks. */
struct ElvesV2Call
{
  ElvesV2 *api;
  ElvesHttpRequest *request;
  ElvesParameters *parameters;
  const ElvesV2Endpoint *endpoint;
  char *auth_id;
  char *id, *task_id; /* (nullable) of what earlier steps have made */
  GString *agent;     /* (nullable) the members of an agent, collected so far */
};

const ElvesOpenapiConfig *elves_v2_call_config (const ElvesV2Call *self);
/* Takes @body, one JSON object. @func: with the call as its data. */
void elves_v2_call_ask (ElvesV2Call *self,
                        const char *to,
                        const char *action,
                        GString *body,
                        guint timeout_ms,
                        ElvesCallerFunc func);
/* Each ends the call. @body: taken. */
void elves_v2_call_answer (ElvesV2Call *self, GString *body);
void elves_v2_call_refuse (ElvesV2Call *self, const char *error_text);
void elves_v2_call_fail (ElvesV2Call *self, const GError *error);

G_END_DECLS
