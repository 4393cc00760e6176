/* Names with values, as an operator gives them to an agent: "role=db,zone=b". Pure.
   One short text, "name\tvalue\n" for each, so that thousands of agents that say the same share it;
   "" is none. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ELVES_LABELS_LIMIT 64         /* labels of one agent */
#define ELVES_LABEL_LIMIT_BYTES 63    /* of a name, and of a value */
#define ELVES_LABEL_APP_PREFIX "app." /* names that selectors have for installed apps */

/* A part of a text. */
typedef struct
{
  const char *text; /* not terminated */
  gsize length;
} ElvesLabelText;

/* Letters, digits and ._-/:@+ : what a name or a value may be made of. */
gboolean elves_label_is_character (char c);

/* (transfer full): of configuration; "" and blank are none. Errors: ELVES_ERROR_INVALID says which
   label is wrong, and why. */
char *elves_labels_parse (const char *text, GError **error);
/* Of what others say; FALSE, and nothing is added: it cannot be kept. */
gboolean elves_labels_add (GString *labels, const char *name, const char *value);

gboolean elves_labels_find (const char *labels, const char *name, ElvesLabelText *out_value);
/* The next one from @position on, which begins as the labels. FALSE: no more. */
gboolean
elves_labels_next (const char **position, ElvesLabelText *out_name, ElvesLabelText *out_value);
/* As an object of texts. @name: (nullable): of the member */
void elves_labels_write (GString *json, const char *name, const char *labels);

G_END_DECLS
