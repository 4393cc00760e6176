/* What a request of the Romens scheduler client asks of elves-cron: the members of createCron,
 * replaceCron, findCron. Pure. */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

#define ELVES_ROMENS_OWNER "romens"
#define ELVES_ROMENS_PAGE_SIZE 10
#define ELVES_ROMENS_PAGE_SIZE_MAX 1000
#define ELVES_ROMENS_PAGE_MAX 1000000
#define ELVES_ROMENS_TIME_MAX G_GINT64_CONSTANT (7258118399) /* s: the end of 2199 */

typedef enum
{
  ELVES_ROMENS_TIMED, /* by a cronJob object, again and again */
  ELVES_ROMENS_QUICK  /* once */
} ElvesRomensKind;

typedef struct
{
  gint64 now_s;
  guint report_timeout_s;   /* an execution that nobody reports ends then */
  guint callback_timeout_s; /* of delivering a callback */
} ElvesRomensRules;

/* A page of a list. */
typedef struct
{
  gint64 page, size;
} ElvesRomensPage;

/* Adds to @body, an open object. Errors: ELVES_ERROR_INVALID names the member and what was
   expected. */
gboolean elves_romens_order_add_task (GString *body,
                                      const ElvesJsonObject *request,
                                      ElvesRomensKind kind,
                                      const ElvesRomensRules *rules,
                                      GError **error);
gboolean elves_romens_order_add_filter (GString *body,
                                        const ElvesJsonObject *request,
                                        ElvesRomensPage *out_page,
                                        GError **error);
void elves_romens_order_add_page (GString *body, const ElvesRomensPage *page);
/* 0: "". */
void elves_romens_order_add_time (GString *body, const char *name, gint64 time_s);

G_END_DECLS
