/* Finding timed tasks by what they are: by their ids, or page by page.
 *
 * A statement is a constant text, so there is one for each way to look: by a unique key, by a
 * name, by an owner, or through all; the other conditions are in all of them. */
#include "cron/schedules-private.h"

#include "common/error.h"

#include <string.h>

/* Each condition has its value twice: -1 or "" in the first place lets all pass. */
#define IS(condition) "(CAST(? AS BIGINT) < 0 OR (CASE WHEN " condition " THEN 1 ELSE 0 END) = ?)"
#define CONDITIONS                                                                                 \
  "(CAST(? AS TEXT) = '' OR owner = ?) AND (CAST(? AS TEXT) = '' OR name = ?) AND "                \
  "(CAST(? AS TEXT) = '' OR unique_key = ?) AND (CAST(? AS BIGINT) < 0 OR state = ?) AND " IS (    \
      "deleted_us > 0") " AND " IS ("end_us > 0 AND end_us < CAST(? AS BIGINT)") " AND " IS ("(ti" \
                                                                                             "min" \
                                                                                             "g "  \
                                                                                             "= "  \
                                                                                             "2 "  \
                                                                                             "AND" \
                                                                                             " fi" \
                                                                                             "red" \
                                                                                             " > " \
                                                                                             "0) " \
                                                                                             "OR " \
                                                                                             "(ti" \
                                                                                             "min" \
                                                                                             "g "  \
                                                                                             "<> " \
                                                                                             "2 "  \
                                                                                             "AND" \
                                                                                             " co" \
                                                                                             "unt" \
                                                                                             "_li" \
                                                                                             "mit" \
                                                                                             " > " \
                                                                                             "0 "  \
                                                                                             "AND" \
                                                                                             " fi" \
                                                                                             "red" \
                                                                                             " >=" \
                                                                                             " co" \
                                                                                             "unt" \
                                                                                             "_li" \
                                                                                             "mit" \
                                                                                             ")")
#define COUNT "SELECT COUNT(*) FROM cron_schedule WHERE "
#define PAGE "SELECT " ELVES_CRON_CARD_COLUMNS " FROM cron_schedule WHERE "
#define PAGE_END " ORDER BY created_us DESC, id DESC LIMIT ? OFFSET ?"

enum
{
  N_VALUES = 17, /* with the two of a way, and of a page */
  N_CONDITIONS = 15
};

typedef enum
{
  BY_UNIQUE,
  BY_NAME,
  BY_OWNER,
  BY_ID,
  THROUGH_ALL
} Way;

static const struct
{
  guint n; /* how many values of its own */
  const char *count, *page;
} ways[] = {
  [BY_UNIQUE] = { 2, COUNT "owner = ? AND unique_key = ? AND " CONDITIONS,
                  PAGE "owner = ? AND unique_key = ? AND " CONDITIONS PAGE_END },
  [BY_NAME] = { 2, COUNT "owner = ? AND name = ? AND " CONDITIONS,
                PAGE "owner = ? AND name = ? AND " CONDITIONS PAGE_END },
  [BY_OWNER] = { 1, COUNT "owner = ? AND " CONDITIONS, PAGE "owner = ? AND " CONDITIONS PAGE_END },
  [BY_ID] = { 1, NULL, PAGE "id = ? AND " CONDITIONS PAGE_END },
  [THROUGH_ALL] = { 0, COUNT CONDITIONS, PAGE CONDITIONS PAGE_END },
};

typedef struct
{
  ElvesCronQuery query; /* its texts are ours */
  gint64 now_us;
  GPtrArray *cards;
  gint64 total;
  ElvesCronFoundFunc done;
  gpointer user_data;
} Finding;

static void
finding_free (gpointer data)
{
  Finding *self = data;
  g_ptr_array_unref (self->cards);
  if (self->query.ids != NULL)
    g_ptr_array_unref ((GPtrArray *) self->query.ids);
  g_free ((char *) self->query.owner);
  g_free ((char *) self->query.name);
  g_free ((char *) self->query.unique_key);
  g_free (self);
}

static Way
choose (const ElvesCronQuery *query)
{
  if (*query->owner == '\0')
    return THROUGH_ALL;
  if (*query->unique_key != '\0')
    return BY_UNIQUE;
  return *query->name != '\0' ? BY_NAME : BY_OWNER;
}

/* Returns: how many. */
static guint
set_conditions (const Finding *self, ElvesStoreValue *values)
{
  const ElvesCronQuery *query = &self->query;
  const ElvesStoreValue all[] = {
    ELVES_TEXT (query->owner),  ELVES_TEXT (query->owner),      ELVES_TEXT (query->name),
    ELVES_TEXT (query->name),   ELVES_TEXT (query->unique_key), ELVES_TEXT (query->unique_key),
    ELVES_INT (query->state),   ELVES_INT (query->state),       ELVES_INT (query->deleted),
    ELVES_INT (query->deleted), ELVES_INT (query->expired),     ELVES_INT (self->now_us),
    ELVES_INT (query->expired), ELVES_INT (query->max_reached), ELVES_INT (query->max_reached),
  };
  G_STATIC_ASSERT (G_N_ELEMENTS (all) == N_CONDITIONS);
  memcpy (values, all, sizeof all);
  return G_N_ELEMENTS (all);
}

/* @id: (nullable) of the way by id. Returns: how many. */
static guint
set_values (const Finding *self, Way way, const char *id, ElvesStoreValue *values)
{
  guint n = ways[way].n;
  values[0] = ELVES_TEXT (way == BY_ID ? id : self->query.owner);
  if (n == 2)
    values[1] = ELVES_TEXT (way == BY_NAME ? self->query.name : self->query.unique_key);
  return n + set_conditions (self, values + n);
}

static gboolean
read_page (Finding *self, ElvesStoreTx *tx, Way way, const char *id, GError **error)
{
  ElvesStoreValue values[N_VALUES + 3] = { 0 };
  guint n = set_values (self, way, id, values);
  gint64 before = (gint64) (self->query.page - 1) * self->query.size;
  g_autoptr (ElvesStoreRows) rows = NULL;
  values[n] = ELVES_INT (id != NULL ? 1 : self->query.size);
  values[n + 1] = ELVES_INT (id != NULL ? 0 : before);
  rows = elves_store_tx_query (tx, ways[way].page, values, error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      ElvesCronCard *card = g_new0 (ElvesCronCard, 1);
      elves_cron_card_read (card, rows);
      g_ptr_array_add (self->cards, card);
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
count (Finding *self, ElvesStoreTx *tx, Way way, GError **error)
{
  ElvesStoreValue values[N_VALUES + 3] = { 0 };
  g_autoptr (ElvesStoreRows) rows = NULL;
  set_values (self, way, NULL, values);
  rows = elves_store_tx_query (tx, ways[way].count, values, error);
  while (rows != NULL && elves_store_rows_next (rows))
    self->total = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static gint
compare_cards (gconstpointer a, gconstpointer b)
{
  const ElvesCronPlan *first = (*(ElvesCronCard *const *) a)->plan;
  const ElvesCronPlan *second = (*(ElvesCronCard *const *) b)->plan;
  if (first->created_us != second->created_us)
    return first->created_us > second->created_us ? -1 : 1;
  return strcmp (second->id, first->id);
}

static void
cut_to_page (Finding *self)
{
  guint64 before = (guint64) (self->query.page - 1) * self->query.size;
  g_ptr_array_sort (self->cards, compare_cards);
  self->total = self->cards->len;
  if (before > 0 && self->cards->len > 0)
    g_ptr_array_remove_range (self->cards, 0, (guint) MIN (before, self->cards->len));
  if (self->cards->len > self->query.size)
    g_ptr_array_set_size (self->cards, (gint) self->query.size);
}

static gboolean
find_ids (Finding *self, ElvesStoreTx *tx, GError **error)
{
  for (guint i = 0; i < self->query.ids->len; i++)
    if (!read_page (self, tx, BY_ID, self->query.ids->pdata[i], error))
      return FALSE;
  cut_to_page (self);
  return TRUE;
}

static gboolean
find (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Finding *self = data;
  Way way = choose (&self->query);
  g_ptr_array_set_size (self->cards, 0);
  self->total = 0;
  if (self->query.ids != NULL)
    return find_ids (self, tx, error);
  return count (self, tx, way, error) && read_page (self, tx, way, NULL, error);
}

static void
on_found (gpointer data, const GError *error)
{
  Finding *self = data;
  self->done (self->cards, self->total, error, self->user_data);
}

void
elves_cron_schedules_find (ElvesCronLedger *ledger,
                           const ElvesCronQuery *query,
                           ElvesCronFoundFunc done,
                           gpointer user_data)
{
  Finding *self = g_new0 (Finding, 1);
  self->query = *query;
  self->query.owner = g_strdup (query->owner);
  self->query.name = g_strdup (query->name);
  self->query.unique_key = g_strdup (query->unique_key);
  if (query->ids != NULL)
    self->query.ids = g_ptr_array_ref ((GPtrArray *) query->ids);
  self->now_us = g_get_real_time ();
  self->cards = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_cron_card_free);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, find, on_found, self, finding_free);
}
