/* What libsoup reads a connection from.
 *
 * libsoup 3.2 leaks a connection whose client goes away between two requests: it hears of the end
 * only when a request has begun. So a line that ends while it is idle says one more byte first,
 * which is the beginning of a request that fails. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ELVES_TYPE_HTTP_LINE (elves_http_line_get_type ())
G_DECLARE_FINAL_TYPE (ElvesHttpLine, elves_http_line, ELVES, HTTP_LINE, GIOStream)

/* (transfer full): over @base, which is closed with it. */
GIOStream *elves_http_line_new (GIOStream *base);
/* Idle: all that was read belongs to requests that are over. */
void elves_http_line_set_idle (ElvesHttpLine *self, gboolean idle);

G_END_DECLS
