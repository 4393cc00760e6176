/* The signature of a callback: the receiver, who knows the key, sees who calls, and when. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): "t=SECONDS,v1=HEX", the HMAC-SHA256 of "SECONDS.EXECUTION.BODY". */
char *
elves_cron_call_signature (const char *sign_key, gint64 now_s, const char *execution, GBytes *body);

G_END_DECLS
