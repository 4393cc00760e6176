/* Reading works: show, list, load. */
#include "cron/schedules-private.h"

#include "common/error.h"

#include <string.h>

/* ---- show ----------------------------------------------------------------------------------- */

typedef struct
{
  char *id, *owner;
  ElvesCronCard card;
  ElvesCronCardFunc done;
  gpointer user_data;
} Showing;

static void
showing_free (gpointer data)
{
  Showing *self = data;
  elves_cron_card_clear (&self->card);
  g_free (self->id);
  g_free (self->owner);
  g_free (self);
}

static gboolean
show (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Showing *self = data;
  const ElvesCronPlan *plan;
  if (!elves_cron_card_find (&self->card, tx, self->id, error))
    return FALSE;
  plan = self->card.plan;
  return (plan != NULL && plan->deleted_us == 0 &&
          (*self->owner == '\0' || strcmp (plan->owner, self->owner) == 0)) ||
         elves_cron_schedules_not_found (self->id, error);
}

static void
on_shown (gpointer data, const GError *error)
{
  Showing *self = data;
  self->done (error == NULL ? &self->card : NULL, error, self->user_data);
}

void
elves_cron_schedules_show (ElvesCronLedger *ledger,
                           const char *id,
                           const char *owner,
                           ElvesCronCardFunc done,
                           gpointer user_data)
{
  Showing *self = g_new0 (Showing, 1);
  self->id = g_strdup (id);
  self->owner = g_strdup (owner);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, show, on_shown, self, showing_free);
}

/* ---- list ----------------------------------------------------------------------------------- */

typedef struct
{
  char *ip, *after;
  guint limit;
  GPtrArray *ids;
  gboolean more;
  ElvesCronIdsFunc done;
  gpointer user_data;
} Listing;

static void
listing_free (gpointer data)
{
  Listing *self = data;
  g_ptr_array_unref (self->ids);
  g_free (self->ip);
  g_free (self->after);
  g_free (self);
}

/* Where the page begins: after the creation of that one. */
static gboolean
find_created (ElvesStoreTx *tx, const char *id, gint64 *out_us, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT created_us FROM cron_schedule WHERE id = ?",
                            ELVES_VALUES (ELVES_TEXT (id)), error);
  *out_us = G_MAXINT64;
  while (rows != NULL && elves_store_rows_next (rows))
    *out_us = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static ElvesStoreRows *
query_ids (ElvesStoreTx *tx, const Listing *self, gint64 before_us, GError **error)
{
  gint64 limit = (gint64) self->limit + 1;
  if (*self->ip != '\0')
    return elves_store_tx_query (tx,
                                 "SELECT id FROM cron_schedule WHERE ip = ? AND deleted_us = 0 AND "
                                 "(created_us < ? OR (created_us = ? AND id "
                                 "< ?)) ORDER BY created_us DESC, id DESC LIMIT ?",
                                 ELVES_VALUES (ELVES_TEXT (self->ip), ELVES_INT (before_us),
                                               ELVES_INT (before_us), ELVES_TEXT (self->after),
                                               ELVES_INT (limit)),
                                 error);
  return elves_store_tx_query (tx,
                               "SELECT id FROM cron_schedule WHERE deleted_us = 0 AND (created_us "
                               "< ? OR (created_us = ? AND "
                               "id < ?)) "
                               "ORDER BY created_us DESC, id DESC LIMIT ?",
                               ELVES_VALUES (ELVES_INT (before_us), ELVES_INT (before_us),
                                             ELVES_TEXT (self->after), ELVES_INT (limit)),
                               error);
}

static gboolean
list (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Listing *self = data;
  g_autoptr (ElvesStoreRows) rows = NULL;
  gint64 before_us = G_MAXINT64;
  g_ptr_array_set_size (self->ids, 0);
  self->more = FALSE;
  if (*self->after != '\0' && !find_created (tx, self->after, &before_us, error))
    return FALSE;
  rows = query_ids (tx, self, before_us, error);
  while (rows != NULL && elves_store_rows_next (rows))
    if (self->ids->len == self->limit)
      self->more = TRUE;
    else
      g_ptr_array_add (self->ids, g_strdup (elves_store_rows_text (rows, 0)));
  return elves_store_rows_end (rows, error);
}

static void
on_listed (gpointer data, const GError *error)
{
  Listing *self = data;
  self->done (self->ids, self->more, error, self->user_data);
}

void
elves_cron_schedules_list (ElvesCronLedger *ledger,
                           const char *ip,
                           const char *after,
                           guint limit,
                           ElvesCronIdsFunc done,
                           gpointer user_data)
{
  Listing *self = g_new0 (Listing, 1);
  self->ip = g_strdup (ip);
  self->after = g_strdup (after);
  self->limit = limit;
  self->ids = g_ptr_array_new_with_free_func (g_free);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, list, on_listed, self, listing_free);
}

/* ---- load ----------------------------------------------------------------------------------- */

typedef struct
{
  char *after, *last;
  guint limit;
  GPtrArray *entries;
  ElvesCronEntriesFunc done;
  gpointer user_data;
} Loading;

static void
loading_free (gpointer data)
{
  Loading *self = data;
  g_ptr_array_unref (self->entries);
  g_free (self->after);
  g_free (self->last);
  g_free (self);
}

static void
load_row (Loading *self, ElvesStoreRows *rows)
{
  g_autoptr (ElvesCronPlan) plan = elves_cron_plan_new ();
  g_autoptr (GError) error = NULL;
  ElvesCronEntry *entry;
  elves_cron_plan_read_when (plan, rows, 0);
  entry = elves_cron_plan_entry (plan, plan->cursor_us, &error);
  if (entry != NULL)
    g_ptr_array_add (self->entries, entry);
  else
    g_warning ("a timed task is left out: %s id=%s", error->message, plan->id);
  g_free (self->last);
  self->last = g_steal_pointer (&plan->id);
}

static gboolean
load (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Loading *self = data;
  guint n = 0;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT " ELVES_CRON_WHEN_COLUMNS
      " FROM cron_schedule WHERE state = 1 AND id > ? ORDER BY id LIMIT ?",
      ELVES_VALUES (ELVES_TEXT (self->after), ELVES_INT (self->limit)), error);
  g_ptr_array_set_size (self->entries, 0);
  for (; rows != NULL && elves_store_rows_next (rows); n++)
    load_row (self, rows);
  if (n < self->limit)
    g_clear_pointer (&self->last, g_free);
  return elves_store_rows_end (rows, error);
}

static void
on_loaded (gpointer data, const GError *error)
{
  Loading *self = data;
  self->done (self->entries, self->last != NULL ? self->last : "", error, self->user_data);
}

void
elves_cron_schedules_load (ElvesCronLedger *ledger,
                           const char *after,
                           guint limit,
                           ElvesCronEntriesFunc done,
                           gpointer user_data)
{
  Loading *self = g_new0 (Loading, 1);
  self->after = g_strdup (after);
  self->limit = limit;
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_cron_entry_free);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, load, on_loaded, self, loading_free);
}
