/* One HTTP interface of several: the Elves API, or that of an older system. A door knows its paths
 * and its answers; what happens is asked of the components. Each may be switched on, and have a
 * port of its own: clients of the older systems are configured with one.
 *
 * Here is also what doors share: asking a component, answering with JSON. */
#pragma once

#include "common/json-reader.h"
#include "openapi/auth.h"
#include "openapi/http-server.h"

G_BEGIN_DECLS

#define ELVES_DOOR_CONTENT_TYPE "application/json;charset=UTF-8"

/* What all doors stand on; outlives them. */
typedef struct
{
  const ElvesOpenapiConfig *config;
  ElvesDeadlines *deadlines;
  ElvesCaller *caller; /* freed before the doors: calls that wait fail then */
  ElvesAuth *auth;
} ElvesDoorParts;

typedef struct
{
  const char *name; /* of its keys: "taskcenter.enabled", ... */
  gssize settings;  /* of its ElvesDoorConfig in the configuration; -1: always on server.port */
  gpointer (*open) (const ElvesDoorParts *parts);
  void (*close) (gpointer door);
  /* Whether the path is one of its own; then it takes @request. */
  gboolean (*take) (gpointer door, ElvesHttpRequest *request);
  /* (nullable). (transfer full) (nullable): what is said on a path of its own when the server
     refuses a request before it is taken: there are too many, or it is too large. */
  GString *(*refusal) (const char *path,
                       guint status,
                       const char *why,
                       const char **out_content_type);
} ElvesDoorType;

/* ---- what doors share ---- */

/* Takes @body, the members as one JSON object. Within openapi.callTimeout. */
void elves_door_ask (const ElvesDoorParts *parts,
                     const char *to,
                     const char *action,
                     GString *body,
                     ElvesCallerFunc func,
                     gpointer user_data);

/* Takes both. @body: JSON. */
void elves_door_answer (ElvesHttpRequest *request, guint status, GString *body);

/* (transfer full) (nullable): the body as one JSON object, in the memory of @request: use it before
   the request is answered, and before the loop runs again (its client may go). Errors:
   ELVES_ERROR_INVALID says where. */
ElvesJsonObject *elves_door_read_json (const ElvesHttpRequest *request, GError **error);
/* (transfer full) (nullable): the query, then the body, a form or a JSON object. Errors:
   ELVES_ERROR_INVALID says why. */
ElvesParameters *elves_door_read_parameters (const ElvesHttpRequest *request, GError **error);

G_END_DECLS
