#include "queue/card-parts.h"

#include "common/json-writer.h"

GString *
elves_queue_card_begin (void)
{
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  return body;
}

void
elves_queue_card_add (GString *out, const char *name, ElvesStoreRows *row, guint column)
{
  const char *text = elves_store_rows_text (row, column);
  elves_json_add_text (out, name, text != NULL ? text : "");
}

void
elves_queue_card_add_time (GString *out, const char *name, ElvesStoreRows *row, guint column)
{
  gint64 time_ms = elves_store_rows_int (row, column);
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *text = NULL;
  if (time_ms > 0 && (time = g_date_time_new_from_unix_utc (time_ms / 1000)) != NULL)
    {
      g_autofree char *seconds = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");
      text = g_strdup_printf ("%s.%03dZ", seconds, (int) (time_ms % 1000));
    }
  elves_json_add_text (out, name, text != NULL ? text : "");
}
