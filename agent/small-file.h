/* Files that belong to apps, read on the main loop. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *elves_small_file_read (const char *path, gsize max_bytes, gsize *out_length, GError **error);

G_END_DECLS
