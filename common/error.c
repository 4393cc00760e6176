/* The error domain of Elves, and the one question that callers ask of any error: is it worth trying
   again?

   Errors of GIO are kept as they come (a refused connection stays G_IO_ERROR_CONNECTION_REFUSED),
   so the predicate knows those, too. It says nothing about whether what was asked for has already
   happened: a call that timed out may have run. */

#include "common/error.h"

#include <gio/gio.h>

G_DEFINE_QUARK (elves_error, elves_error)

static gboolean
io_code_is_transient (int code)
{
  switch (code)
    {
    case G_IO_ERROR_BUSY:
    case G_IO_ERROR_CONNECTION_CLOSED:
    case G_IO_ERROR_CONNECTION_REFUSED:
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE:
    case G_IO_ERROR_NOT_CONNECTED:
    case G_IO_ERROR_TIMED_OUT:
    case G_IO_ERROR_TOO_MANY_OPEN_FILES:
    case G_IO_ERROR_WOULD_BLOCK:
      return TRUE;
    default:
      return FALSE;
    }
}

/**
 * elves_error_is_transient:
 * @error: (nullable): an error of any domain
 *
 * Returns: %TRUE when the same try may succeed later without anybody changing anything; %FALSE for
 *   %NULL and for every domain this function does not know. Any thread.
 */
gboolean
elves_error_is_transient (const GError *error)
{
  if (!error)
    return FALSE;
  if (error->domain == ELVES_ERROR)
    return error->code == ELVES_ERROR_UNAVAILABLE || error->code == ELVES_ERROR_TIMEOUT ||
           error->code == ELVES_ERROR_BUSY;
  if (error->domain == G_IO_ERROR)
    return io_code_is_transient (error->code);
  if (error->domain == G_RESOLVER_ERROR)
    return error->code == G_RESOLVER_ERROR_TEMPORARY_FAILURE;
  return FALSE;
}
