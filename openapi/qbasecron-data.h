/* The data of a task: base64 of the JSON text of an object, whose members become the form fields of
 * its callback (qbasecron.md 2.1, 3.1). Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): blanks are plus signs again, that a form has turned into blanks; but JSON text,
   which is taken as well, stays as it is. */
char *elves_qbasecron_data_mend (const char *data);
/* (transfer full): the body of the callback; "" without @data. @out_is_raw: it could not be
   decoded, and is sent as one field, "data". */
char *elves_qbasecron_data_to_form (const char *data, gboolean *out_is_raw);

G_END_DECLS
