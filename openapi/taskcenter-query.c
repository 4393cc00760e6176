/* GET query-task-by-id, query-task-by-name, task/stat: findCron, page by page, and cronStat. */
#include "openapi/taskcenter-private.h"

#include "common/json-writer.h"
#include "openapi/parameters.h"

#include <string.h>

enum
{
  PAGE_SIZE = 20 /* a task may have a megabyte of data */
};

typedef struct
{
  ElvesTaskcenter *door;
  ElvesHttpRequest *request;
  char *name;       /* (nullable) NULL: by id */
  guint page;       /* asked for, from 1 */
  GHashTable *seen; /* ids: while pages are turned, new tasks push others to the next one */
  GString *body;    /* of the answer, so far */
} Query;

static Query *
query_new (ElvesTaskcenter *door, ElvesHttpRequest *request, const char *name)
{
  Query *self = g_new0 (Query, 1);

  self->door = door;
  self->request = request;
  self->name = g_strdup (name);
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->body = g_string_new (NULL);
  return self;
}

static void
query_free (Query *self)
{
  g_free (self->name);
  g_hash_table_unref (self->seen);
  if (self->body != NULL)
    g_string_free (self->body, TRUE);
  g_free (self);
}

static void
query_fail (Query *self, const char *text)
{
  elves_taskcenter_refuse (self->request, 500, text);
  query_free (self);
}

static void
query_finish (Query *self)
{
  elves_taskcenter_answer (self->request, 200, g_steal_pointer (&self->body));
  query_free (self);
}

/* ---- the cards of an answer ---- */

static gboolean
add_card (Query *self, ElvesJsonValue value, GError **error)
{
  g_autoptr (ElvesJsonObject) card = elves_json_object_parse (value.text, value.length, error);
  char *key;

  if (card == NULL)
    return FALSE;
  key = elves_json_value_to_text (elves_json_object_get (card, "key"));
  if (!g_hash_table_add (self->seen, key))
    return TRUE;
  return elves_taskcenter_write_card (self->body, card, error);
}

/* @out_count: of the cards that the answer has. */
static gboolean
add_cards (Query *self, const ElvesCallerAnswer *answer, guint *out_count, GError **error)
{
  ElvesJsonValue cards = elves_json_object_get (answer->members, "result");
  ElvesJsonValue card;
  gsize position = 0;

  *out_count = 0;
  while (cards.kind == ELVES_JSON_ARRAY && elves_json_array_next (cards, &position, &card))
    {
      ++*out_count;
      if (!add_card (self, card, error))
        return FALSE;
    }
  return TRUE;
}

/* Ends it if not. */
static gboolean
take_cards (Query *self, const ElvesCallerAnswer *answer, const GError *error, guint *out_count)
{
  g_autofree char *failure = elves_taskcenter_failure (answer, error);
  g_autoptr (GError) broken = NULL;

  if (failure == NULL && !add_cards (self, answer, out_count, &broken))
    failure = g_strdup (broken->message);
  if (failure != NULL)
    query_fail (self, failure);
  return failure == NULL;
}

static GString *
open_question (void)
{
  GString *question = g_string_new (NULL);

  elves_json_open (question, NULL);
  elves_json_add_text (question, "owner", ELVES_TASKCENTER_OWNER);
  return question;
}

/* (transfer full): "" of one that is not there, and of what cannot be read. */
static char *
query_parameter (const ElvesHttpRequest *request, const char *name)
{
  const char *query = elves_http_request_query (request);
  g_autoptr (ElvesParameters) parameters = elves_parameters_new ();

  if (query == NULL || !elves_parameters_add (parameters, query, strlen (query), NULL))
    return g_strdup ("");
  query = elves_parameters_get (parameters, name);
  return g_strdup (query != NULL ? query : "");
}

/* ---- by id ---- */

static void
on_found (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Query *self = user_data;
  guint count;

  if (!take_cards (self, answer, error, &count))
    return;
  if (count == 0)
    query_fail (self, "not found");
  else
    query_finish (self);
}

void
elves_taskcenter_query_id (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest)
{
  g_autofree char *id = query_parameter (request, "taskid");
  GString *question;

  if (*id == '\0' || !elves_taskcenter_is_id (id))
    {
      elves_taskcenter_refuse (request, *id == '\0' ? 400 : 500,
                               *id == '\0' ? "taskid is empty" : "not found");
      return;
    }
  question = open_question ();
  elves_json_add_text (question, "id", id);
  elves_json_close (question);
  elves_taskcenter_ask (self, "findCron", question, on_found, query_new (self, request, NULL));
}

/* ---- by name ---- */

static void on_page (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data);

static void
ask_page (Query *self)
{
  GString *question = open_question ();

  self->page++;
  elves_json_add_text (question, "name", self->name);
  elves_json_add_number (question, "page", self->page);
  elves_json_add_number (question, "size", PAGE_SIZE);
  elves_json_close (question);
  elves_taskcenter_ask (self->door, "findCron", question, on_page, self);
}

static void
on_page (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Query *self = user_data;
  guint count;

  if (!take_cards (self, answer, error, &count))
    return;
  if (self->body->len > self->door->parts.config->taskcenter_max_answer_bytes)
    query_fail (self, "the answer is larger than taskcenter.maxAnswer");
  else if (count == PAGE_SIZE)
    ask_page (self);
  else
    {
      g_string_append_c (self->body, ']');
      query_finish (self);
    }
}

/* The name is a parameter, or, as the documentation of taskcenter has it, in the path. */
void
elves_taskcenter_query_name (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest)
{
  g_autofree char *name =
      *rest != '\0' ? g_uri_unescape_string (rest, NULL) : query_parameter (request, "name");
  Query *query;

  if (name == NULL || *name == '\0')
    {
      elves_taskcenter_refuse (request, 400, "name should not be empty");
      return;
    }
  query = query_new (self, request, name);
  g_string_append_c (query->body, '[');
  ask_page (query);
}

/* ---- what was sent this minute ---- */

/* Numbers are texts here. The total has its name also before a task that is called so. */
static void
write_counts (GString *body, const ElvesJsonObject *counts)
{
  g_autofree char *total = elves_json_value_to_text (elves_json_object_get (counts, "total"));
  ElvesJsonValue names = elves_json_object_get (counts, "names");
  g_autoptr (ElvesJsonObject) by_name =
      names.kind == ELVES_JSON_OBJECT ? elves_json_object_parse (names.text, names.length, NULL)
                                      : NULL;
  ElvesJsonValue name, count;
  guint position = 0;

  if (strcmp (total, "0") == 0 || *total == '\0')
    return;
  elves_json_add_text (body, "total", total);
  while (by_name != NULL && elves_json_object_next (by_name, &position, &name, &count))
    {
      g_autofree char *quoted = g_strdup_printf ("%.*s", (int) name.length, name.text);
      g_autofree char *number = elves_json_value_to_text (count);
      if (strcmp (quoted, "total") != 0)
        g_string_append_printf (body, ",\"%s\":\"%s\"", quoted, number);
    }
}

static void
refuse_stat (ElvesHttpRequest *request, const char *failure)
{
  g_autoptr (GString) body = g_string_new (NULL);

  elves_json_add_text (body, NULL, failure);
  elves_taskcenter_answer (request, 500, g_steal_pointer (&body));
}

static void
on_stat (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesHttpRequest *request = user_data;
  g_autofree char *failure = elves_taskcenter_failure (answer, error);
  g_autoptr (ElvesJsonObject) counts = NULL;
  ElvesJsonValue result = { .kind = ELVES_JSON_ABSENT };
  GString *body;

  if (failure == NULL)
    result = elves_json_object_get (answer->members, "result");
  if (result.kind == ELVES_JSON_OBJECT)
    counts = elves_json_object_parse (result.text, result.length, NULL);
  if (counts == NULL)
    {
      refuse_stat (request, failure != NULL ? failure : "elves-cron has no figures");
      return;
    }
  body = g_string_new (NULL);
  elves_json_open (body, NULL);
  write_counts (body, counts);
  elves_json_close (body);
  elves_taskcenter_answer (request, 200, body);
}

void
elves_taskcenter_stat (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest)
{
  GString *question = open_question ();

  elves_json_close (question);
  elves_taskcenter_ask (self, "cronStat", question, on_stat, request);
}
