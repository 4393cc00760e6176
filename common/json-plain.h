/* How much of a text can stand between the quotes of a JSON string as it is. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gsize elves_json_plain_length (const char *text, gsize length);

G_END_DECLS
