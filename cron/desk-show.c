/* cronList, cronDetail and cronStat. */
#include "cron/desk-private.h"

#include "common/json-writer.h"
#include "cron/schedules.h"

enum
{
  LIST_MAX = 10000
};

/* ---- cronList ------------------------------------------------------------------------------- */

static void
on_listed (const GPtrArray *ids, gboolean more, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  elves_json_open_array (body, "result");
  for (guint i = 0; i < ids->len; i++)
    elves_json_add_text (body, NULL, ids->pdata[i]);
  elves_json_close_array (body);
  elves_json_add_text (body, "more", more ? "true" : "false");
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

void
elves_cron_desk_list (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *ip = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;
  gint64 limit = LIST_MAX;
  char id[ELVES_CRON_ID_SIZE] = "";
  guint64 number;
  if (!elves_request_text (request, "ip", &ip, &error) ||
      !elves_request_text (request, "after", &after, &error) ||
      !elves_request_number (request, "limit", FALSE, 1, LIST_MAX, LIST_MAX, &limit, &error))
    {
      elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
      return;
    }
  if (elves_cron_id_parse (after, &number))
    elves_cron_id_write (number, id);
  elves_cron_schedules_list (self->parts.ledger, ip, id, (guint) limit, on_listed,
                             elves_cron_errand_new (self, request));
}

/* ---- cronDetail ----------------------------------------------------------------------------- */

/* The interface's two readings at once: flat, and wrapped in "result". */
static void
on_shown (const ElvesCronCard *card, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  elves_cron_desk_add_detail (errand->desk, body, card);
  elves_json_open (body, "result");
  elves_cron_desk_add_card (errand->desk, body, card);
  elves_json_close (body);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

void
elves_cron_desk_detail (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = NULL, *owner = NULL;
  if (elves_cron_desk_read_task (self, request, &id, &owner))
    elves_cron_schedules_show (self->parts.ledger, id, owner, on_shown,
                               elves_cron_errand_new (self, request));
}

/* ---- cronStat ------------------------------------------------------------------------------- */

/* Names of members go out as they are; these are anybody's texts. */
static void
add_count (const char *name, guint64 count, gpointer user_data)
{
  g_autoptr (GString) quoted = g_string_new (NULL);
  elves_json_add_text (quoted, NULL, name);
  g_string_truncate (quoted, quoted->len - 1);
  elves_json_add_number (user_data, quoted->str + 1, (gint64) count);
}

void
elves_cron_desk_stat (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *owner = elves_cron_desk_read_text (self, request, "owner");
  gint64 now_us = g_get_real_time ();
  GString *body;
  if (owner == NULL)
    return;
  body = elves_cron_desk_open_body ();
  elves_json_open (body, "result");
  elves_json_add_number (body, "total",
                         (gint64) elves_cron_tally_total (self->parts.tally, owner, now_us));
  elves_json_open (body, "names");
  elves_cron_tally_foreach (self->parts.tally, owner, now_us, add_count, body);
  elves_json_close (body);
  elves_json_close (body);
  elves_json_close (body);
  elves_component_reply (self->component, request, body);
}
