/* Who is registered, as the scheduler knows it. */
#include "openapi/v3-private.h"

typedef struct
{
  gint64 page, size;
} Page;

/* "started" is seconds, or a text of a foreign agent. */
static void
tell_started (GString *out, const ElvesJsonObject *agent)
{
  g_autofree char *text = elves_v3_text (agent, "started");
  g_autofree char *ms = g_strconcat (text, "000", NULL);
  gint64 seconds;
  gboolean is_number = g_ascii_string_to_signed (text, 10, 1, G_MAXINT32, &seconds, NULL);

  elves_v3_add_time (out, "started", is_number ? ms : text);
}

static void
tell_agent (GString *out, const ElvesJsonObject *agent)
{
  static const ElvesV3Member members[] = {
    { "ip", "ip", ELVES_V3_AS_TEXT },
    { "asset", "asset", ELVES_V3_AS_TEXT_OR_NULL },
    { "version", "version", ELVES_V3_AS_TEXT_OR_NULL },
    { "type", "type", ELVES_V3_AS_TEXT_OR_NULL },
    { "apps", "apps", ELVES_V3_AS_JSON },
    { "features", "features", ELVES_V3_AS_JSON },
    { "labels", "labels", ELVES_V3_AS_JSON },
    { NULL },
  };

  elves_json_open (out, NULL);
  elves_v3_tell (out, agent, members);
  tell_started (out, agent);
  elves_json_close (out);
}

static void
on_list (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  const Page *page = call->state;
  GString *body;

  if (!elves_v3_went_well (call, answer, error))
    return;
  body = elves_v3_open ();
  elves_v3_add_list (body, "items", answer, tell_agent);
  elves_v3_add_page (body, answer, page->page, page->size);
  elves_json_close (body);
  elves_v3_answer (call, 200, body);
}

void
elves_v3_agents_list (ElvesV3Call *call)
{
  GString *body = elves_v3_open ();
  Page *page = g_new0 (Page, 1);

  elves_v3_call_keep (call, page, g_free);
  elves_json_add_text (body, "selector", elves_v3_query_text (call, "selector"));
  if (elves_v3_query_page (call, body, &page->page, &page->size))
    elves_v3_ask (call, "scheduler", "agents", body, 0, on_list);
  else
    g_string_free (body, TRUE);
}

static void
on_agent (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  ElvesJsonValue list, element;
  gsize position = 0;
  g_autoptr (ElvesJsonObject) agent = NULL;
  GString *body;

  if (!elves_v3_went_well (call, answer, error))
    return;
  list = elves_json_object_get (answer->members, "result");
  if (list.kind == ELVES_JSON_ARRAY && elves_json_array_next (list, &position, &element))
    agent = elves_json_object_parse (element.text, element.length, NULL);
  if (agent == NULL)
    {
      elves_v3_fail_with (call, 404, "not-found", "There is no such agent.", NULL);
      return;
    }
  body = g_string_new (NULL);
  tell_agent (body, agent);
  elves_v3_answer (call, 200, body);
}

void
elves_v3_agents_show (ElvesV3Call *call)
{
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "ip", call->ids[0]);
  elves_json_add_number (body, "size", 1);
  elves_v3_ask (call, "scheduler", "agents", body, 0, on_agent);
}
