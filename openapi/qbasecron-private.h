/* Inside the door: a request on its way, and how it is answered. */
#pragma once

#include "openapi/push.h"
#include "openapi/qbasecron-task.h"
#include "openapi/qbasecron.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesDoorParts parts;
  const ElvesZone *zone;
  const char *zone_name; /* as elves-cron knows it */
  GHashTable *turns;     /* callback_url of several targets -> whose turn it is */
  gpointer push;         /* of the driver; NULL: notifications are not taken */
  const ElvesPushDriver *driver;
} ElvesQbasecron;

typedef struct
{
  ElvesQbasecron *door;
  ElvesHttpRequest *request;
  char *id;        /* (nullable) from the path */
  gint64 delay_ms; /* of a new task */

  /* Of a list. */
  guint64 skip, wanted; /* tasks, of those to come */
  guint64 page;         /* of elves-cron, from 1 */
  GHashTable *seen;     /* (nullable) ids: new tasks push others to the next page meanwhile */
  GString *body;        /* (nullable) of the answer, so far */
} ElvesQbasecronCall;

/* What is asked for, by method and path. Take the call. */
void elves_qbasecron_create (ElvesQbasecronCall *call);
void elves_qbasecron_list (ElvesQbasecronCall *call);
void elves_qbasecron_detail (ElvesQbasecronCall *call);
void elves_qbasecron_remove (ElvesQbasecronCall *call);
void elves_qbasecron_send (ElvesQbasecronCall *call);
void elves_qbasecron_push (ElvesQbasecronCall *call);

/* What is asked of elves-cron. */
GString *elves_qbasecron_open_question (void); /* about what is ours */
/* Takes @body, which is still open. @func: gets the call. */
void elves_qbasecron_ask (ElvesQbasecronCall *call,
                          const char *action,
                          GString *body,
                          ElvesCallerFunc func);
/* TRUE: it has been done. Else the call is over. */
gboolean elves_qbasecron_went_well (ElvesQbasecronCall *call,
                                    const ElvesCallerAnswer *answer,
                                    const GError *error);

/* Ends of a call. @body: taken, an object still open, to which the status is added. */
void elves_qbasecron_answer (ElvesQbasecronCall *call,
                             guint status,
                             GString *body,
                             guint code,
                             const char *message);
void
elves_qbasecron_refuse (ElvesQbasecronCall *call, guint status, guint code, const char *message);
void elves_qbasecron_not_found (ElvesQbasecronCall *call);
/* elves-cron could not be asked, or has refused. */
void elves_qbasecron_fail (ElvesQbasecronCall *call, const char *why);

/* (nullable) (transfer full): the parameters of the query and of the body; NULL: it is answered. */
ElvesParameters *elves_qbasecron_read (ElvesQbasecronCall *call);

G_END_DECLS
