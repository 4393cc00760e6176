/* Writes JSON objects straight into a GString. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Memory for one message at a time; any GString will do, too. */
GString *elves_json_begin (gsize expected_bytes);
GBytes *elves_json_end (GString *out);
void elves_json_open (GString *out, const char *name);
void elves_json_close (GString *out);
/* Of its elements the name is NULL. */
void elves_json_open_array (GString *out, const char *name);
void elves_json_close_array (GString *out);
void elves_json_add_text (GString *out, const char *name, const char *text);
void elves_json_add_bytes (GString *out, const char *name, GBytes *bytes);
/* @json: one value, valid JSON of ours. */
void elves_json_add_json (GString *out, const char *name, const char *json, gsize length);
void elves_json_add_number (GString *out, const char *name, gint64 number);

G_END_DECLS
