/* Tasks: created, shown, removed, sent at once. */
#include "openapi/qbasecron-private.h"

#include "common/json-writer.h"

#include <string.h>

#define CRON "cron"

enum
{
  TURNS_LIMIT = 1024
};

static GString *
open_body (void)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  return body;
}

GString *
elves_qbasecron_open_question (void)
{
  GString *body = open_body ();

  elves_json_add_text (body, "owner", ELVES_QBASECRON_OWNER);
  return body;
}

void
elves_qbasecron_ask (ElvesQbasecronCall *call,
                     const char *action,
                     GString *body,
                     ElvesCallerFunc func)
{
  elves_json_close (body);
  elves_door_ask (&call->door->parts, CRON, action, body, func, call);
}

gboolean
elves_qbasecron_went_well (ElvesQbasecronCall *call,
                           const ElvesCallerAnswer *answer,
                           const GError *error)
{
  g_autofree char *flag = NULL, *text = NULL;

  if (answer == NULL)
    {
      elves_qbasecron_fail (call, error->message);
      return FALSE;
    }
  flag = elves_json_value_to_text (elves_json_object_get (answer->members, "flag"));
  if (strcmp (flag, "true") == 0)
    return TRUE;
  text = elves_json_value_to_text (elves_json_object_get (answer->members, "error"));
  if (g_str_has_prefix (text, "[411.1]"))
    elves_qbasecron_not_found (call);
  else
    elves_qbasecron_fail (call, text);
  return FALSE;
}

static void
add_task (ElvesQbasecronCall *call, GString *body, const char *name, ElvesJsonValue card)
{
  g_autoptr (ElvesJsonObject) members = elves_json_object_parse (card.text, card.length, NULL);

  if (members != NULL)
    elves_qbasecron_view (body, name, members, call->door->zone, call->delay_ms);
}

/* The first element of the member "result"; of kind ABSENT when there is none. */
static ElvesJsonValue
first_result (const ElvesCallerAnswer *answer)
{
  ElvesJsonValue results = elves_json_object_get (answer->members, "result");
  ElvesJsonValue first = { .kind = ELVES_JSON_ABSENT };
  gsize position = 0;

  if (results.kind == ELVES_JSON_ARRAY)
    elves_json_array_next (results, &position, &first);
  return first;
}

/* ---- create ---- */

static void
on_created (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesQbasecronCall *call = user_data;
  GString *body;

  if (!elves_qbasecron_went_well (call, answer, error))
    return;
  body = open_body ();
  add_task (call, body, "data", elves_json_object_get (answer->members, "result"));
  elves_qbasecron_answer (call, 200, body, ELVES_QBASECRON_OK, ELVES_QBASECRON_SUCCESS);
}

/* So that of several targets each is the first in turn. */
static guint
next_turn (ElvesQbasecron *self, const ElvesParameters *parameters)
{
  const char *url = elves_parameters_get (parameters, "callback_url");
  guint turn;

  if (url == NULL || strchr (url, ',') == NULL)
    return 0;
  if (g_hash_table_size (self->turns) >= TURNS_LIMIT)
    g_hash_table_remove_all (self->turns);
  turn = GPOINTER_TO_UINT (g_hash_table_lookup (self->turns, url));
  g_hash_table_replace (self->turns, g_strdup (url), GUINT_TO_POINTER (turn + 1));
  return turn;
}

void
elves_qbasecron_create (ElvesQbasecronCall *call)
{
  ElvesQbasecron *door = call->door;
  g_autoptr (ElvesParameters) parameters = elves_qbasecron_read (call);
  ElvesQbasecronRules rules = { .zone = door->zone,
                                .zone_name = door->zone_name,
                                .callback_url = door->parts.config->qbasecron_push_url,
                                .now_us = g_get_real_time () };
  g_autofree char *message = NULL;
  GString *order;
  guint code;

  if (parameters == NULL)
    return;
  rules.turn = next_turn (door, parameters);
  order = elves_qbasecron_order (&rules, parameters, &call->delay_ms, &code, &message);
  if (order == NULL)
    elves_qbasecron_refuse (call, 200, code, message);
  else
    elves_door_ask (&door->parts, CRON, "createCron", order, on_created, call);
}

/* ---- one ---- */

static void
find (ElvesQbasecronCall *call, ElvesCallerFunc func)
{
  GString *body = elves_qbasecron_open_question ();

  call->delay_ms = -1;
  elves_json_add_text (body, "id", call->id);
  elves_qbasecron_ask (call, "findCron", body, func);
}

static void
on_found (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesQbasecronCall *call = user_data;
  ElvesJsonValue card;
  GString *body;

  if (!elves_qbasecron_went_well (call, answer, error))
    return;
  card = first_result (answer);
  if (card.kind == ELVES_JSON_ABSENT)
    {
      elves_qbasecron_not_found (call);
      return;
    }
  body = open_body ();
  add_task (call, body, "data", card);
  elves_qbasecron_answer (call, 200, body, ELVES_QBASECRON_OK, ELVES_QBASECRON_SUCCESS);
}

void
elves_qbasecron_detail (ElvesQbasecronCall *call)
{
  find (call, on_found);
}

static void
on_removed (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesQbasecronCall *call = user_data;
  ElvesJsonValue removed;
  GString *body;

  if (!elves_qbasecron_went_well (call, answer, error))
    return;
  removed = first_result (answer);
  if (removed.kind == ELVES_JSON_ABSENT)
    {
      elves_qbasecron_not_found (call);
      return;
    }
  body = open_body ();
  elves_json_open (body, "data");
  elves_json_add_text (body, "_id", call->id);
  elves_json_close (body);
  elves_qbasecron_answer (call, 200, body, ELVES_QBASECRON_OK, ELVES_QBASECRON_SUCCESS);
}

void
elves_qbasecron_remove (ElvesQbasecronCall *call)
{
  GString *body = elves_qbasecron_open_question ();

  elves_json_open_array (body, "ids");
  elves_json_add_text (body, NULL, call->id);
  elves_json_close_array (body);
  elves_qbasecron_ask (call, "deleteCron", body, on_removed);
}

/* ---- send at once ---- */

static void
on_sent (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesQbasecronCall *call = user_data;

  if (elves_qbasecron_went_well (call, answer, error))
    find (call, on_found);
}

void
elves_qbasecron_send (ElvesQbasecronCall *call)
{
  GString *body = elves_qbasecron_open_question ();

  elves_json_add_text (body, "id", call->id);
  elves_qbasecron_ask (call, "fireCron", body, on_sent);
}
