/* What the scheduler's messages say, for people and for the exit status. */
#pragma once

#include "cli/command.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

void elves_print_json (JsonNode *node);
int elves_print_answer (JsonNode *message, gboolean as_json);
gboolean elves_answer_is_handed_over (JsonNode *message);
gboolean elves_answer_is_result_of (JsonNode *message, const char *id);

G_END_DECLS
