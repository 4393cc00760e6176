/* The one error domain of Elves. A code says what the caller does next, not where it went wrong;
   the message says what failed, on what, and why. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_ERROR_INVALID, /* reject, never try again */
  ELVES_ERROR_NOT_FOUND,
  ELVES_ERROR_UNAVAILABLE, /* try again later */
  ELVES_ERROR_REFUSED,     /* the peer is there and said no */
  ELVES_ERROR_TIMEOUT,
  ELVES_ERROR_BUSY,
  ELVES_ERROR_PROTOCOL,
  ELVES_ERROR_CONFIG, /* exit 2 */
  ELVES_ERROR_INTERNAL
} ElvesError;

#define ELVES_ERROR (elves_error_quark ())
GQuark elves_error_quark (void);

gboolean elves_error_is_transient (const GError *error);

G_END_DECLS
