/* The token of an execution: a number that nobody guesses, by which it may be reported. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ELVES_CRON_TOKEN_SIZE 21

/* 20 decimal digits, of the system's own dice. Any thread. */
void elves_cron_token_make (char token[ELVES_CRON_TOKEN_SIZE]);
/* Whether @text may be one. */
gboolean elves_cron_token_check (const char *text);

G_END_DECLS
