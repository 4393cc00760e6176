/* An app whose worker is a program in C that stays alive: elves-worker(7). One function, "sum",
 * adds the numbers of its parameter.
 *
 *   cc -O2 -o worker worker.c          in the app's folder, beside appcfg.json
 *   elvesctl exec 127.0.0.1 warm-c sum '1 2 3.5' --proxy worker
 *
 * The first members of a line stand in the order call, func, param, without blanks, so that a few
 * lines of C can take them apart. The parameter is base64. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In place; returns the length, or -1. */
static int
decode (char *text)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *out = text;
  unsigned bits = 0;
  int n_bits = 0;
  for (const char *at = text; *at != '\0' && *at != '='; at++)
    {
      const char *digit = strchr (digits, *at);
      if (digit == NULL)
        return -1;
      bits = bits << 6 | (unsigned) (digit - digits);
      n_bits += 6;
      if (n_bits >= 8)
        *out++ = (char) (bits >> (n_bits -= 8));
    }
  *out = '\0';
  return (int) (out - text);
}

static void
answer (const char *call, const char *func, char *param)
{
  double sum = 0;
  char *at = param, *end = param;
  if (strcmp (func, "sum") != 0 || decode (param) < 0)
    {
      printf ("{\"call\":%s,\"flag\":false,\"result\":\"there is only the function sum\"}\n", call);
      return;
    }
  for (; sum += strtod (at, &end), end > at; at = end)
    ;
  printf ("{\"call\":%s,\"flag\":true,\"result\":\"%g\"}\n", call, sum);
}

/* The text between @before and the next @after, which becomes its end; NULL: there is none. */
static char *
take (char **at, const char *before, char after)
{
  char *begin = strstr (*at, before);
  char *end = begin != NULL ? strchr (begin + strlen (before), after) : NULL;
  if (end == NULL)
    return NULL;
  *end = '\0';
  *at = end + 1;
  return begin + strlen (before);
}

int
main (void)
{
  char *line = NULL;
  size_t size = 0;
  setvbuf (stdout, NULL, _IOLBF, BUFSIZ);
  puts ("{\"elves\":1}");
  while (getline (&line, &size, stdin) > 0)
    {
      char *at = line;
      char *call = take (&at, "{\"call\":", ',');
      char *func = call != NULL ? take (&at, "\"func\":\"", '"') : NULL;
      char *param = func != NULL ? take (&at, "\"param\":\"", '"') : NULL;
      if (param == NULL)
        return 1; /* the agent says what became of the call */
      answer (call, func, param);
    }
  free (line);
  return 0;
}
