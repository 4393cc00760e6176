/* The list of tasks. elves-cron is asked for short pages, one after the other: its answer is one
 * message, and a task may be long. */
#include "openapi/qbasecron-private.h"

#include "common/json-writer.h"

enum
{
  LIST_LIMIT = 1000,
  PAGE_SIZE = 50
};

static void on_page (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data);

static void
ask_for_page (ElvesQbasecronCall *call)
{
  GString *body = elves_qbasecron_open_question ();

  elves_json_add_number (body, "page", (gint64) call->page);
  elves_json_add_number (body, "size", PAGE_SIZE);
  elves_qbasecron_ask (call, "findCron", body, on_page);
}

static void
add_card (ElvesQbasecronCall *call, ElvesJsonValue value)
{
  g_autoptr (ElvesJsonObject) card = elves_json_object_parse (value.text, value.length, NULL);

  if (call->wanted == 0 || card == NULL)
    return;
  if (!g_hash_table_add (call->seen,
                         elves_json_value_to_text (elves_json_object_get (card, "key"))))
    return;
  if (call->skip > 0)
    {
      call->skip--;
      return;
    }
  call->wanted--;
  elves_qbasecron_view (call->body, NULL, card, call->door->zone, -1);
}

/* The number of cards in it. */
static guint
add_cards (ElvesQbasecronCall *call, const ElvesCallerAnswer *answer)
{
  ElvesJsonValue cards = elves_json_object_get (answer->members, "result");
  ElvesJsonValue card;
  gsize position = 0;
  guint n = 0;

  for (; cards.kind == ELVES_JSON_ARRAY && elves_json_array_next (cards, &position, &card); n++)
    add_card (call, card);
  return n;
}

static void
begin_answer (ElvesQbasecronCall *call, const ElvesCallerAnswer *answer)
{
  g_autofree char *total =
      elves_json_value_to_text (elves_json_object_get (answer->members, "total"));

  call->body = g_string_new (NULL);
  elves_json_open (call->body, NULL);
  elves_json_add_number (call->body, "count", g_ascii_strtoll (total, NULL, 10));
  elves_json_open_array (call->body, "data");
}

static void
on_page (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesQbasecronCall *call = user_data;

  if (!elves_qbasecron_went_well (call, answer, error))
    return;
  if (call->body == NULL)
    begin_answer (call, answer);
  if (add_cards (call, answer) == PAGE_SIZE && call->wanted > 0)
    {
      call->page++;
      ask_for_page (call);
      return;
    }
  elves_json_close_array (call->body);
  elves_qbasecron_answer (call, 200, g_steal_pointer (&call->body), ELVES_QBASECRON_OK,
                          ELVES_QBASECRON_SUCCESS);
}

/* FALSE: no number from 1 to @max. */
static gboolean
read_number (const ElvesParameters *parameters, const char *name, guint64 max, guint64 *number)
{
  return elves_parameters_is_blank (parameters, name) ||
         g_ascii_string_to_unsigned (elves_parameters_get (parameters, name), 10, 1, max, number,
                                     NULL);
}

void
elves_qbasecron_list (ElvesQbasecronCall *call)
{
  g_autoptr (ElvesParameters) parameters = elves_qbasecron_read (call);
  guint64 page = 1, first;

  if (parameters == NULL)
    return;
  call->wanted = LIST_LIMIT;
  if (!read_number (parameters, "page", G_MAXINT32, &page) ||
      !read_number (parameters, "per_page", LIST_LIMIT, &call->wanted))
    {
      elves_qbasecron_refuse (call, 200, ELVES_QBASECRON_BAD,
                              "error,page and per_page: expected numbers from 1, per_page to 1000");
      return;
    }
  first = (page - 1) * call->wanted;
  call->page = first / PAGE_SIZE + 1;
  call->skip = first % PAGE_SIZE;
  call->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  ask_for_page (call);
}
