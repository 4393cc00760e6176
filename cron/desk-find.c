/* findCron. */
#include "cron/desk-private.h"

#include "common/json-writer.h"
#include "cron/schedules.h"

#include <string.h>

enum
{
  PAGE_DEFAULT = 10,
  PAGE_MAX = 1000,
  PAGES_MAX = 1000000000
};

/* What a request looks for; its texts, until the question is put. */
typedef struct
{
  ElvesCronQuery query;
  char *owner, *name, *unique_key, *id, *state, *deleted, *expired, *max_reached;
  GPtrArray *ids;
} Search;

static void
search_clear (Search *self)
{
  g_free (self->owner);
  g_free (self->name);
  g_free (self->unique_key);
  g_free (self->id);
  g_free (self->state);
  g_free (self->deleted);
  g_free (self->expired);
  g_free (self->max_reached);
  g_clear_pointer (&self->ids, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Search, search_clear)

static void
on_found (const GPtrArray *cards, gint64 total, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  elves_json_add_number (body, "total", total);
  elves_json_open_array (body, "result");
  for (guint i = 0; i < cards->len; i++)
    {
      elves_json_open (body, NULL);
      elves_cron_desk_add_card (errand->desk, body, cards->pdata[i]);
      elves_json_close (body);
    }
  elves_json_close_array (body);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

/* -1: it does not say. */
static gint
read_flag (const char *text)
{
  if (g_ascii_strcasecmp (text, "true") == 0)
    return 1;
  return g_ascii_strcasecmp (text, "false") == 0 ? 0 : -1;
}

static gboolean
read_texts (Search *self, ElvesRequest *request, GError **error)
{
  return elves_request_text (request, "owner", &self->owner, error) &&
         elves_request_text (request, "id", &self->id, error) &&
         elves_request_text (request, "state", &self->state, error) &&
         elves_request_text (request, "deleted", &self->deleted, error) &&
         elves_request_text (request, "expired", &self->expired, error) &&
         elves_request_text (request, "max_reached", &self->max_reached, error);
}

/* One id is a list of one; one that is none of ours an empty list. */
static void
read_ids (Search *self, ElvesRequest *request)
{
  char id[ELVES_CRON_ID_SIZE];
  guint64 number;
  if (elves_request_get (request, "ids").kind == ELVES_JSON_ARRAY)
    self->ids = elves_cron_desk_read_ids (request);
  else if (*self->id != '\0')
    self->ids = g_ptr_array_new_with_free_func (g_free);
  if (*self->id == '\0' || self->ids == NULL || !elves_cron_id_parse (self->id, &number))
    return;
  elves_cron_id_write (number, id);
  g_ptr_array_add (self->ids, g_strdup (id));
}

static gboolean
read_numbers (Search *self, ElvesRequest *request, GError **error)
{
  gint64 page = 1, size = PAGE_DEFAULT;
  if (!elves_request_number (request, "page", FALSE, 1, PAGES_MAX, 1, &page, error) ||
      !elves_request_number (request, "size", FALSE, 1, PAGE_MAX, PAGE_DEFAULT, &size, error))
    return FALSE;
  self->query.page = (guint) page;
  self->query.size = (guint) size;
  return TRUE;
}

static gboolean
read_search (Search *self, ElvesRequest *request, GError **error)
{
  guint state = 0;
  if (!read_texts (self, request, error) || !read_numbers (self, request, error))
    return FALSE;
  self->name = elves_json_value_to_text (elves_request_get (request, "name"));
  self->unique_key = elves_json_value_to_text (elves_request_get (request, "unique"));
  read_ids (self, request);
  self->query.owner = self->owner;
  self->query.name = self->name;
  self->query.unique_key = self->unique_key;
  self->query.ids = self->ids;
  self->query.state = elves_cron_state_from_name (self->state, &state) ? (gint) state : -1;
  self->query.deleted = *self->deleted == '\0' ? 0 : read_flag (self->deleted);
  self->query.expired = read_flag (self->expired);
  self->query.max_reached = read_flag (self->max_reached);
  return TRUE;
}

void
elves_cron_desk_find (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_auto (Search) search = { 0 };
  g_autoptr (GError) error = NULL;
  if (read_search (&search, request, &error))
    elves_cron_schedules_find (self->parts.ledger, &search.query, on_found,
                               elves_cron_errand_new (self, request));
  else
    elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
}
