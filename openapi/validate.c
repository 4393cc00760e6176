#include "openapi/validate.h"

#include "common/schedule.h"

#include <string.h>

enum
{
  CRON_ID_CHARACTERS = 16,
  IP_PARTS = 4,
  IP_PART_DIGITS = 3
};

static gboolean
is_blank (const char *text)
{
  return text == NULL || text[strspn (text, " \t\r\n\f\v")] == '\0';
}

static gboolean
is_digits (const char *text)
{
  return *text != '\0' && text[strspn (text, "0123456789")] == '\0';
}

/**
 * elves_validate_ip:
 * @text: (nullable)
 */
gboolean
elves_validate_ip (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", ".", IP_PARTS + 1);

  if (g_strv_length (parts) != IP_PARTS)
    return FALSE;
  for (guint i = 0; i < IP_PARTS; i++)
    if (!is_digits (parts[i]) || strlen (parts[i]) > IP_PART_DIGITS ||
        g_ascii_strtoull (parts[i], NULL, 10) > 255)
      return FALSE;
  return TRUE;
}

/**
 * elves_validate_param:
 * @text: (nullable)
 */
gboolean
elves_validate_param (const char *text)
{
  return is_blank (text) || elves_validate_lenient_json (text);
}

/**
 * elves_validate_timeout:
 * @text: (nullable)
 */
gboolean
elves_validate_timeout (const char *text)
{
  guint64 seconds;

  return is_blank (text) ||
         (is_digits (text) &&
          g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32 / 1000, &seconds, NULL));
}

/**
 * elves_validate_mode:
 * @text: (nullable)
 */
gboolean
elves_validate_mode (const char *text)
{
  return is_blank (text) || g_ascii_strcasecmp (text, "p") == 0 ||
         g_ascii_strcasecmp (text, "np") == 0;
}

/**
 * elves_validate_rule:
 * @text: (nullable)
 */
gboolean
elves_validate_rule (const char *text)
{
  g_autoptr (ElvesSchedule) schedule =
      text != NULL ? elves_schedule_new_rule (ELVES_SCHEDULE_QUARTZ, text, NULL, NULL) : NULL;

  return schedule != NULL &&
         elves_schedule_next (schedule, g_get_real_time ()) != ELVES_SCHEDULE_NEVER;
}

/**
 * elves_validate_cron_id:
 * @text: (nullable)
 */
gboolean
elves_validate_cron_id (const char *text)
{
  return text != NULL && g_utf8_strlen (text, -1) == CRON_ID_CHARACTERS;
}
