/* What the parts of taskcenter's door share. Nobody else includes this.
 *
 * taskcenter.c         the paths; answers and failures
 * taskcenter-add.c     a new task
 * taskcenter-delete.c  tasks that go, by ids or by name
 * taskcenter-query.c   what there is, and what was sent this minute
 * taskcenter-task.c    a task as a value */
#pragma once

#include "openapi/taskcenter-task.h"
#include "openapi/taskcenter.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesDoorParts parts;
} ElvesTaskcenter;

/* @rest: of the path, behind the endpoint's name and a slash, not decoded; "" of most. Ends
   @request. */
typedef void (*ElvesTaskcenterFunc) (ElvesTaskcenter *self,
                                     ElvesHttpRequest *request,
                                     const char *rest);

void elves_taskcenter_add (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest);
void elves_taskcenter_delete (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest);
void
elves_taskcenter_delete_name (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest);
void elves_taskcenter_query_id (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest);
void
elves_taskcenter_query_name (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest);
void elves_taskcenter_stat (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest);

/* ---- what they share ---- */

/* Asks elves-cron. Takes @body. */
void elves_taskcenter_ask (ElvesTaskcenter *self,
                           const char *action,
                           GString *body,
                           ElvesCallerFunc func,
                           gpointer user_data);
/* (transfer full) (nullable): why elves-cron did not do what was asked; NULL: it did. */
char *elves_taskcenter_failure (const ElvesCallerAnswer *answer, const GError *error);

/* Each ends @request. Takes @body. */
void elves_taskcenter_answer (ElvesHttpRequest *request, guint status, GString *body);
void elves_taskcenter_refuse (ElvesHttpRequest *request, guint status, const char *text);

/* (transfer full) (nullable): the members of a request's body, as with elves_door_read_json();
   NULL: refused, and ended. */
ElvesJsonObject *elves_taskcenter_read (ElvesHttpRequest *request);
/* Whether it may be a task's id: elves-cron is not asked about others. */
gboolean elves_taskcenter_is_id (const char *text);

G_END_DECLS
