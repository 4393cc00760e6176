/* What the readers of createCron share; for plan-request*.c only. */
#pragma once

#include "cron/plan-request.h"

G_BEGIN_DECLS

#define FAULT_IP "[403.1]Request Params (ip) Illegal"
#define FAULT_APP "[403.3]Request Params (app) Illegal"
#define FAULT_MODE "[403.4]Request Params (mode) Illegal"
#define FAULT_RULE "[403.5]Request Params (cron-rule) Illegal"
#define FAULT_FUNC "[403.7]Request Params (func) Illegal"
#define FAULT_PARAM "[403.8]Request Params (param) Illegal"
#define FAULT_POLICY "[403.9]Request Params (policy) Illegal"
#define FAULT_TARGET "[403.9]Request Params (url) Illegal"
#define FAULT_TYPE "[500]Request Params Of Wrong Type"

typedef struct
{
  const ElvesCronConfig *config;
  const ElvesRequest *request;
  ElvesCronPlan *plan;
  gboolean starts;
  const char *text; /* (nullable) of the first fault */
  GError *error;
} ElvesCronReading;

/* The first fault counts. _error() takes @error. */
void elves_cron_reading_blame_error (ElvesCronReading *self, const char *text, GError *error);
void elves_cron_reading_blame (ElvesCronReading *self, const char *text, const char *why);

/* (transfer full): "" of what is missing, and of what is no text, which is a fault. */
char *elves_cron_reading_text (ElvesCronReading *self, const char *name);
/* As it stands there, with its blanks. */
void elves_cron_reading_raw (ElvesCronReading *self, char **field, const char *name);
void elves_cron_reading_into (ElvesCronReading *self, char **field, const char *name);
gint64
elves_cron_reading_number (ElvesCronReading *self, const char *name, gint64 max, gint64 fallback);
void elves_cron_reading_set (char **field, const char *text);
/* "true" in any case. */
gboolean elves_cron_reading_is_true (ElvesCronReading *self, const char *name);

/* plan-request-action.c: what it fires. */
void elves_cron_reading_action (ElvesCronReading *self);

G_END_DECLS
