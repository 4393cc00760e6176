/* Writes JSON objects straight into a GString. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void elves_json_open (GString *out, const char *name);
void elves_json_close (GString *out);
void elves_json_add_text (GString *out, const char *name, const char *text);
void elves_json_add_bytes (GString *out, const char *name, GBytes *bytes);
void elves_json_add_number (GString *out, const char *name, gint64 number);

G_END_DECLS
