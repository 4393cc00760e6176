/* Numbers of timed tasks. */
#include "cron/id.h"

#include <string.h>

enum
{
  HEX_LENGTH = ELVES_CRON_ID_SIZE - 1,
  DECIMAL_LENGTH = 20,
  SECONDS_LENGTH = 8,
  UNIQUE_BITS = 23
};

#define HEX_DIGITS "0123456789abcdefABCDEF"

static const char *const names[ELVES_CRON_N_SPELLINGS] = { "hex", "decimal", "objectid" };

/* The dice are thrown for half of the numbers of a millisecond: the others are for those that come
   after one another within it. */
guint64
elves_cron_id_new (gint64 now_us)
{
  static guint64 last;
  guint64 id = (guint64) (now_us / 1000) << UNIQUE_BITS;
  id |= g_random_int () >> (32 - UNIQUE_BITS + 1);
  last = id > last ? id : last + 1;
  return last;
}

/* Of the second it was made in; of numbers that are older than this rule: some. */
static guint32
seconds_of (guint64 id)
{
  return (guint32) ((id >> UNIQUE_BITS) / 1000);
}

static gboolean
parse_hex (const char *text, guint64 *out_id)
{
  if (strspn (text, HEX_DIGITS) != HEX_LENGTH)
    return FALSE;
  *out_id = g_ascii_strtoull (text, NULL, 16);
  return TRUE;
}

static gboolean
parse_objectid (const char *text, guint64 *out_id)
{
  g_autofree char *seconds = g_strndup (text, SECONDS_LENGTH);
  return strspn (seconds, HEX_DIGITS) == SECONDS_LENGTH &&
         parse_hex (text + SECONDS_LENGTH, out_id) &&
         g_ascii_strtoull (seconds, NULL, 16) == seconds_of (*out_id);
}

/**
 * elves_cron_id_parse:
 * @text: from outside
 * @out_id: (out): its number
 *
 * Returns: whether it is an id in one of its spellings.
 */
gboolean
elves_cron_id_parse (const char *text, guint64 *out_id)
{
  switch (strlen (text))
    {
    case HEX_LENGTH:
      return parse_hex (text, out_id);
    case DECIMAL_LENGTH:
      return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, out_id, NULL);
    case SECONDS_LENGTH + HEX_LENGTH:
      return parse_objectid (text, out_id);
    default:
      return FALSE;
    }
}

void
elves_cron_id_write (guint64 id, char text[ELVES_CRON_ID_SIZE])
{
  g_snprintf (text, ELVES_CRON_ID_SIZE, "%016" G_GINT64_MODIFIER "X", id);
}

/**
 * elves_cron_id_spell:
 * @spelling: of #ElvesCronSpelling
 *
 * Returns: (transfer full): the id as its task's makers know it.
 */
char *
elves_cron_id_spell (guint64 id, guint spelling)
{
  switch ((ElvesCronSpelling) spelling)
    {
    case ELVES_CRON_DECIMAL:
      return g_strdup_printf ("%020" G_GUINT64_FORMAT, id);
    case ELVES_CRON_OBJECTID:
      return g_strdup_printf ("%08x%016" G_GINT64_MODIFIER "x", seconds_of (id), id);
    case ELVES_CRON_HEX:
    case ELVES_CRON_N_SPELLINGS:
      break;
    }
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "X", id);
}

const char *
elves_cron_spelling_name (guint spelling)
{
  return spelling < ELVES_CRON_N_SPELLINGS ? names[spelling] : "";
}

gboolean
elves_cron_spelling_from_name (const char *name, guint *out_spelling)
{
  for (guint i = 0; i < ELVES_CRON_N_SPELLINGS; i++)
    if (g_ascii_strcasecmp (names[i], name) == 0)
      {
        *out_spelling = i;
        return TRUE;
      }
  return FALSE;
}
