/* What the parameters of the Elves API may be (elves-openapi.md section 3). Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: (nullable) */
gboolean elves_validate_ip (const char *text);      /* four numbers up to 255, leading zeros too */
gboolean elves_validate_param (const char *text);   /* blank, or JSON in the lenient form */
gboolean elves_validate_timeout (const char *text); /* blank, or digits: seconds that fit 32 bits */
gboolean elves_validate_mode (const char *text);    /* blank, p, np in any case */
gboolean elves_validate_rule (const char *text);    /* a Quartz expression that can fire */
gboolean elves_validate_cron_id (const char *text); /* 16 characters */

/* One JSON value as lenient parsers take it: single quotes, bare words, comments, ";" for ",",
   "=" and "=>" for ":". Bounded in depth. */
gboolean elves_validate_lenient_json (const char *text);

G_END_DECLS
