/* The executions that have ended, as many as were asked to be remembered. Main thread only. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesFinalKeys ElvesFinalKeys;

ElvesFinalKeys *elves_final_keys_new (guint capacity);
void elves_final_keys_free (ElvesFinalKeys *self);
void elves_final_keys_add (ElvesFinalKeys *self, const char *type, const char *execution);
gboolean elves_final_keys_contain (ElvesFinalKeys *self, const char *type, const char *execution);

/* What stands for an execution; its type in any case. */
guint64 elves_execution_fingerprint (const char *type, const char *execution);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesFinalKeys, elves_final_keys_free)

G_END_DECLS
