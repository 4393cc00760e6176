#include "openapi/errors.h"

#include "common/error.h"

/**
 * elves_api_failure_text:
 * @error: of elves_caller_call()
 *
 * Returns: (transfer full): an error text; of a time-out in the words of the original
 */
char *
elves_api_failure_text (const GError *error)
{
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT))
    return g_strdup (ELVES_API_INTERNAL "waitting rabbitmq response timeout");
  return g_strconcat (ELVES_API_INTERNAL, error->message, NULL);
}
