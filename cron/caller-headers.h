/* The headers of a timed task's callback: a JSON object of texts. */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* @text: a JSON object, or "". */
gboolean elves_cron_headers_check (const char *text);
/* Adds those of @text that pass the check. */
void elves_cron_headers_add (const char *text, SoupMessageHeaders *headers);

G_END_DECLS
