/* The error texts of the Elves API: "[code]text", as elves-openapi.md section 5 lists them. */
#pragma once

#include <glib.h>

#define ELVES_API_MISSING_SIGN "[401.1]Unauthorized Missing Sign Param"
#define ELVES_API_AUTH_ID "[401.2]Unauthorized AuthId Is Illegal"
#define ELVES_API_SIGN_TYPE "[401.3]Unauthorized SignType Is Illegal"
#define ELVES_API_SIGN_LENGTH "[401.4]Unauthorized Sign Length Is Illegal"
#define ELVES_API_SIGN "[401.5]Unauthorized Sign Error"
#define ELVES_API_DENIED "[401.6]Unauthorized AuthId Permission Denied"
#define ELVES_API_SIGN_TIMEOUT "[401.7]Unauthorized Sign Timeout "
#define ELVES_API_TIMESTAMP "[401.8]Unauthorized Timestamp Is Illegal"
#define ELVES_API_REPLAYED "[401.9]Unauthorized Request Replayed"
#define ELVES_API_TOKEN "[401.10]Unauthorized Token Is Illegal"

#define ELVES_API_NO_SUPERVISOR "[402.1]Require Module (supervisor) Not Enabled"
#define ELVES_API_NO_CRON "[402.2]Require Module (cron) Not Enabled"
#define ELVES_API_NO_QUEUE "[402.3]Require Module (queue) Not Enabled"

#define ELVES_API_IP "[403.1]Request Params (ip) Illegal"
#define ELVES_API_PARAM "[403.2]Request Params (param) Illegal"
#define ELVES_API_APP "[403.3]Request Params (app) Illegal"
#define ELVES_API_MODE "[403.4]Request Params (mode) Illegal"
#define ELVES_API_RULE "[403.5]Request Params (cron-rule) Illegal"
#define ELVES_API_QUEUE_ID "[403.6]Request Params (queue_id) Illegal"
#define ELVES_API_FUNC "[403.7]Request Params (func) Illegal"
#define ELVES_API_TIMEOUT "[403.8]Request Params (timeout) Illegal"
#define ELVES_API_CRON_ID "[403.9]Request Params (cron_id) Illegal"

#define ELVES_API_NOT_FOUND "[404]Not Found"
#define ELVES_API_INTERNAL "[500]Internal ServerError "

/* (transfer full): what is said when another component could not be asked. */
char *elves_api_failure_text (const GError *error);
