#include "heartbeat/answers.h"

#include "common/json-writer.h"

#include <string.h>

/* yyyy-MM-dd HH:mm:ss, local time, as the original writes it. */
static void
add_time (GString *out, const char *name, gint64 unix_ms)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (unix_ms / 1000);
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : NULL;

  elves_json_add_text (out, name, text);
}

/* An agent with a node is there now. */
static void
add_agent (GString *out, const char *name, const ElvesRosterAgent *agent, gint64 now_ms)
{
  elves_json_open (out, name);
  elves_json_add_text (out, "ip", agent->ip);
  elves_json_add_text (out, "asset", agent->asset);
  add_time (out, "last_hb_time", agent->checked_ms != 0 ? agent->checked_ms : now_ms);
  elves_json_add_json (out, "apps", agent->apps, strlen (agent->apps));
  elves_json_close (out);
}

/**
 * elves_answer_agent_info:
 * @ip: asked for
 * @now_ms: Unix time
 *
 * Returns: (transfer full): what is known of the agent, or that nothing is
 */
GString *
elves_answer_agent_info (const ElvesRoster *roster, const char *ip, gint64 now_ms)
{
  const ElvesRosterAgent *agent = elves_roster_find (roster, ip, now_ms);
  GString *out = g_string_new (NULL);

  elves_json_open (out, NULL);
  elves_json_add_text (out, "flag", agent != NULL ? "true" : "false");
  elves_json_add_text (out, "error", agent != NULL ? "" : ELVES_ERROR_TEXT_NO_AGENT);
  if (agent != NULL)
    add_agent (out, "result", agent, now_ms);
  else
    elves_json_add_json (out, "result", "{}", 2);
  elves_json_close (out);
  return out;
}

static gboolean
matches (const ElvesAgentListFilter *filter, const ElvesRosterAgent *agent)
{
  return (*filter->ip == '\0' || strcmp (filter->ip, agent->ip) == 0) &&
         (*filter->asset == '\0' || strcmp (filter->asset, agent->asset) == 0);
}

static GPtrArray *
matching (const ElvesRoster *roster, const ElvesAgentListFilter *filter, gint64 now_ms)
{
  g_autoptr (GPtrArray) all = elves_roster_list (roster, now_ms);
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < all->len; i++)
    if (matches (filter, all->pdata[i]))
      g_ptr_array_add (list, all->pdata[i]);
  return list;
}

/**
 * elves_answer_agent_list:
 * @filter: which agents, and which page of them
 * @now_ms: Unix time
 *
 * Returns: (transfer full): how many match, and those of the page
 */
GString *
elves_answer_agent_list (const ElvesRoster *roster,
                         const ElvesAgentListFilter *filter,
                         gint64 now_ms)
{
  g_autoptr (GPtrArray) list = matching (roster, filter, now_ms);
  gboolean paged = filter->page_size > 0 && filter->page > 0;
  guint64 first = paged ? (guint64) (filter->page - 1) * filter->page_size : 0;
  guint64 end = paged ? MIN (first + filter->page_size, list->len) : list->len;
  GString *out = g_string_new (NULL);

  elves_json_open (out, NULL);
  elves_json_add_number (out, "count", list->len);
  elves_json_open_array (out, "result");
  for (guint64 i = first; i < end; i++)
    add_agent (out, NULL, list->pdata[i], now_ms);
  elves_json_close_array (out);
  elves_json_close (out);
  return out;
}
