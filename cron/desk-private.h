/* Between the files of the desk only. */
#pragma once

#include "cron/desk.h"

G_BEGIN_DECLS

struct ElvesCronDesk
{
  ElvesCronDeskParts parts;
  ElvesComponent *component;
  GQueue errands; /* of ElvesCronErrand, by its place */
};

/* A request that waits for the store. */
typedef struct
{
  ElvesCronDesk *desk; /* NULL: it was freed meanwhile */
  ElvesRequest *request;
  char *id; /* (nullable) of the task it is about */
  gint64 from_us, to_us;
  guint limit;
  GList place;
} ElvesCronErrand;

/* Takes @request. */
ElvesCronErrand *elves_cron_errand_new (ElvesCronDesk *desk, ElvesRequest *request);
/* FALSE: the desk has gone, or @error was answered; the errand is freed then. */
gboolean elves_cron_errand_check (ElvesCronErrand *self, const GError *error);
void elves_cron_errand_reply (ElvesCronErrand *self, GString *body); /* frees @self */
void elves_cron_errand_reply_flag (ElvesCronErrand *self);           /* frees @self */

/* The member id, as it stands in the store. NULL: none, and the request was answered and freed. */
char *elves_cron_desk_read_id (ElvesCronDesk *self, ElvesRequest *request);
void elves_cron_desk_refuse (ElvesCronDesk *self, ElvesRequest *request, const GError *error);

/* desk-show.c, desk-history.c */
void elves_cron_desk_list (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_detail (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_history (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_audit (ElvesRequest *request, gpointer user_data);

/* Opens the answer: {"flag":"true","error":"" */
GString *elves_cron_desk_open_body (void);

G_END_DECLS
