/* deleteCron: of one task, as the interface has it; of several, or of a name, for good or softly.
 */
#include "cron/desk-private.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "cron/schedules.h"

static void
let_go (ElvesCronDesk *self, const GArray *deleted)
{
  for (guint i = 0; i < deleted->len; i++)
    {
      guint64 id = g_array_index (deleted, ElvesCronDeleted, i).id;
      elves_cron_engine_remove (self->parts.engine, id);
      elves_cron_outbox_drop (self->parts.outbox, id);
    }
}

static void
on_one_deleted (const GArray *deleted, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  g_autoptr (GError) none = NULL;
  if (!elves_cron_errand_check (errand, error))
    return;
  let_go (errand->desk, deleted);
  if (deleted->len == 0)
    none = g_error_new (ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "no timed task has the id '%s'",
                        errand->id);
  if (elves_cron_errand_check (errand, none))
    elves_cron_errand_reply_flag (errand);
}

static void
on_deleted (const GArray *deleted, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  let_go (errand->desk, deleted);
  body = elves_cron_desk_open_body ();
  elves_json_open_array (body, "result");
  for (guint i = 0; i < deleted->len; i++)
    {
      const ElvesCronDeleted *one = &g_array_index (deleted, ElvesCronDeleted, i);
      g_autofree char *key = elves_cron_id_spell (one->id, one->spelling);
      elves_json_add_text (body, NULL, key);
    }
  elves_json_close_array (body);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

static void
delete_one (ElvesCronDesk *self, ElvesRequest *request, gboolean soft)
{
  g_autofree char *id = NULL, *owner = NULL;
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  ElvesCronDeletion deletion = { .ids = ids, .name = "", .soft = soft };
  ElvesCronErrand *errand;
  if (!elves_cron_desk_read_task (self, request, &id, &owner))
    return;
  g_ptr_array_add (ids, id);
  deletion.owner = owner;
  errand = elves_cron_errand_new (self, request);
  errand->id = g_strdup (id);
  elves_cron_schedules_delete (self->parts.ledger, &deletion, on_one_deleted, errand);
}

static void
delete_several (ElvesCronDesk *self, ElvesRequest *request, const char *name, gboolean soft)
{
  g_autoptr (GPtrArray) ids = *name == '\0' ? elves_cron_desk_read_ids (request) : NULL;
  g_autofree char *owner = elves_cron_desk_read_text (self, request, "owner");
  ElvesCronDeletion deletion = { .ids = ids, .name = name, .owner = owner, .soft = soft };
  if (owner != NULL)
    elves_cron_schedules_delete (self->parts.ledger, &deletion, on_deleted,
                                 elves_cron_errand_new (self, request));
}

void
elves_cron_desk_delete (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *soft = elves_cron_desk_read_text (self, request, "soft");
  g_autofree char *name = elves_json_value_to_text (elves_request_get (request, "name"));
  gboolean is_soft = soft != NULL && g_ascii_strcasecmp (soft, "true") == 0;
  if (soft == NULL)
    return;
  if (*name != '\0' || elves_request_get (request, "ids").kind == ELVES_JSON_ARRAY)
    delete_several (self, request, name, is_soft);
  else
    delete_one (self, request, is_soft);
}
