/* Between the files of the desk only. */
#pragma once

#include "cron/card.h"
#include "cron/desk.h"

#define TEXT_NOT_FOUND "[411.1]Not Find Cron Job To Operate"
#define TEXT_RULE "[403.5]Request Params (cron-rule) Illegal"
#define TEXT_TYPE "[500]Request Params Of Wrong Type"
#define TEXT_BUSY "[500]Too Many Requests Or Cron Jobs"
#define TEXT_FAILED "[500]The Store Failed"

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
  guint limit;          /* or the number of the page */
  ElvesCronEntry *held; /* (nullable) of what is being replaced */
  GList place;
} ElvesCronErrand;

/* Takes @request. */
ElvesCronErrand *elves_cron_errand_new (ElvesCronDesk *desk, ElvesRequest *request);
/* FALSE: the desk has gone, or @error was answered; the errand is freed then. */
gboolean elves_cron_errand_check (ElvesCronErrand *self, const GError *error);
void elves_cron_errand_reply (ElvesCronErrand *self, GString *body); /* frees @self */
void elves_cron_errand_refuse (ElvesCronErrand *self,
                               const char *text,
                               const char *detail);        /* frees @self */
void elves_cron_errand_reply_flag (ElvesCronErrand *self); /* frees @self */

/* The members id, as it stands in the store, and owner. FALSE: no such id, and the request was
   answered and freed. */
gboolean elves_cron_desk_read_task (ElvesCronDesk *self,
                                    ElvesRequest *request,
                                    char **out_id,
                                    char **out_owner);
/* The member ids, as they stand in the store; what is no id is left out. */
GPtrArray *elves_cron_desk_read_ids (ElvesRequest *request);
/* NULL: the request was refused because a member is no text. */
char *elves_cron_desk_read_text (ElvesCronDesk *self, ElvesRequest *request, const char *name);
/* Takes @entry (nullable). */
void elves_cron_desk_hold (ElvesCronDesk *self, ElvesCronEntry *entry);
void elves_cron_desk_refuse (ElvesCronDesk *self, ElvesRequest *request, const GError *error);

/* The members of a card, into an object that is open. */
void elves_cron_desk_add_card (ElvesCronDesk *self, GString *body, const ElvesCronCard *card);
/* As cronDetail has them beside its result. */
void elves_cron_desk_add_detail (ElvesCronDesk *self, GString *body, const ElvesCronCard *card);

/* desk-create.c, desk-delete.c, desk-execution.c, desk-find.c, desk-show.c, desk-history.c */
void elves_cron_desk_create (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_replace (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_delete (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_fire (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_report (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_find (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_list (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_stat (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_detail (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_history (ElvesRequest *request, gpointer user_data);
void elves_cron_desk_audit (ElvesRequest *request, gpointer user_data);

/* Opens the answer: {"flag":"true","error":"" */
GString *elves_cron_desk_open_body (void);

G_END_DECLS
