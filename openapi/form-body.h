/* JSON and forms: the members of an object as fields of application/x-www-form-urlencoded, nested
 * ones in brackets (payload[status][msg]=success), and such fields as an object again. Pure. */
#pragma once

#include "common/json-reader.h"
#include "openapi/parameters.h"

G_BEGIN_DECLS

#define ELVES_FORM_LIMIT_BYTES (128 << 10) /* of one made of an object */
#define ELVES_FORM_DEPTH_LIMIT 16          /* of brackets; of a form, what is deeper is left out */

void elves_form_add (GString *out, const char *name, const char *value);
/* Texts, numbers and booleans as they stand, null as nothing, elements of arrays by number. FALSE:
   it is over a limit (names of what is nested repeat, so a form may be far longer than its object);
   @out has a part of it. */
gboolean elves_form_add_members (GString *out, ElvesJsonValue object);

/* The parameters "@name[...]...", as one JSON object into @out. FALSE: there are none. */
gboolean elves_form_to_json (const ElvesParameters *parameters, const char *name, GString *out);

G_END_DECLS
