/* Text from outside made safe to show and to put into JSON. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean elves_utf8_is_clean (const char *text, gsize length); /* valid, no NUL in it */

/* A valid UTF-8 string of at most @limit_bytes: every byte that is not part of valid UTF-8, and
   every NUL, becomes U+FFFD; cut only between characters. @out_cut: (nullable) TRUE when it was
   cut. */
char *elves_utf8_clean (const void *bytes, gsize length, gsize limit_bytes, gboolean *out_cut);

G_END_DECLS
