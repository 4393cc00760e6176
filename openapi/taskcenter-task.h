/* A task as taskcenter's clients know it (taskcenter.md 2.1, 2.4): read from a request, checked,
 * turned into what elves-cron is asked, and back. Pure. */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

#define ELVES_TASKCENTER_OWNER "taskcenter"

typedef enum
{
  ELVES_TASKCENTER_ONCE = 1,
  ELVES_TASKCENTER_LOOP = 2,
  ELVES_TASKCENTER_CRONTAB = 3
} ElvesTaskcenterType;

/* Texts are never NULL. Times: unix seconds; 0 and less: none. */
typedef struct
{
  gint64 type;
  char *name, *data, *crontab;
  gint64 loop_time, loop_count; /* seconds; 0 and less: no end */
  gint64 start_time, end_time;
  gint64 max_runtime; /* kept, without effect, as */
  gboolean ack;       /* this */
} ElvesTaskcenterTask;

typedef struct
{
  const char *topic; /* the exchange */
  gboolean loop_plus_one;
  gboolean is_dormant; /* it is kept, and never sent */
} ElvesTaskcenterPlan;

/* (transfer full). Errors: ELVES_ERROR_INVALID: no such JSON. What follows it is not looked at. */
ElvesTaskcenterTask *elves_taskcenter_task_parse (const char *text, gsize length, GError **error);
void elves_taskcenter_task_free (ElvesTaskcenterTask *self);

/* (nullable): what is wrong with it, in the words of the interface. @strict: name and data are
   needed. */
const char *
elves_taskcenter_task_fault (const ElvesTaskcenterTask *self, gboolean strict, gint64 now_s);

/* The members of createCron. */
GString *elves_taskcenter_task_to_request (const ElvesTaskcenterTask *self,
                                           const ElvesTaskcenterPlan *plan,
                                           gint64 now_s);

/* Appends the object that clients get of @card, one task as elves-cron shows it. Errors:
   ELVES_ERROR_PROTOCOL: it is none that was made here. */
gboolean elves_taskcenter_write_card (GString *out, const ElvesJsonObject *card, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesTaskcenterTask, elves_taskcenter_task_free)

G_END_DECLS
