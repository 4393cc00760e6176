/* Tokens. */
#include "cron/token.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define FIRST G_GUINT64_CONSTANT (10000000000000000000) /* of 20 digits; up to 2^64: 63 bits */

void
elves_cron_token_make (char token[ELVES_CRON_TOKEN_SIZE])
{
  guint64 number = 0;
  while (number < FIRST)
    {
      gssize n = getrandom (&number, sizeof number, 0);
      if (n != sizeof number && !(n < 0 && errno == EINTR))
        g_error ("no random numbers: %s", g_strerror (errno));
      if (n != sizeof number)
        number = 0;
    }
  g_snprintf (token, ELVES_CRON_TOKEN_SIZE, "%" G_GUINT64_FORMAT, number);
}

gboolean
elves_cron_token_check (const char *text)
{
  return strlen (text) == ELVES_CRON_TOKEN_SIZE - 1 &&
         strspn (text, "0123456789") == ELVES_CRON_TOKEN_SIZE - 1;
}
