/* The parameters of one HTTP request: of its query, then of its form body, in order. Pure, bounded.
 * Of a name that comes twice the first value counts (elves-openapi.md section 2). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ELVES_PARAMETERS_LIMIT 256

typedef struct ElvesParameters ElvesParameters;

ElvesParameters *elves_parameters_new (void);
void elves_parameters_free (ElvesParameters *self);
/* Adds what application/x-www-form-urlencoded @text has. Errors: ELVES_ERROR_INVALID: broken
   escapes, not UTF-8, NUL, too many. */
gboolean
elves_parameters_add (ElvesParameters *self, const char *text, gsize length, GError **error);

/* Adds the members of the JSON object that @text is: texts unescaped, other values as they stand,
   but none for null. Errors: as above, and when it is none. */
gboolean
elves_parameters_add_json (ElvesParameters *self, const char *text, gsize length, GError **error);

/* In order; *position: 0 at first. FALSE: no more. */
gboolean elves_parameters_next (const ElvesParameters *self,
                                guint *position,
                                const char **out_name,
                                const char **out_value);
/* (nullable): there is none of that name. */
const char *elves_parameters_get (const ElvesParameters *self, const char *name);
/* Absent, or nothing but blanks. */
gboolean elves_parameters_is_blank (const ElvesParameters *self, const char *name);

/* (transfer full): "k1=v1&k2=v2...", decoded, each name once, by UTF-16 code units; without
   those that @left_out (NULL-terminated) names. */
char *elves_parameters_to_sorted_text (const ElvesParameters *self, const char *const *left_out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesParameters, elves_parameters_free)

G_END_DECLS
