/* Ips are taken as they are typed: whether there is such an agent the scheduler says. */
#include "cli/run-targets.h"

#include "cli/desk.h"
#include "cli/members.h"
#include "common/error.h"

#include <gio/gio.h>
#include <string.h>

enum
{
  PAGE = 1000
};

/* ---- ips --------------------------------------------------------------------------------------
 */

static GPtrArray *
ips_new (void)
{
  return g_ptr_array_new_with_free_func (g_free);
}

static void
add_once (GPtrArray *ips, const char *ip)
{
  if (!g_ptr_array_find_with_equal_func (ips, ip, g_str_equal, NULL))
    g_ptr_array_add (ips, g_strdup (ip));
}

/* NULL: it is none. */
static GPtrArray *
parse_ips (const char *target)
{
  g_auto (GStrv) words = g_strsplit (target, ",", -1);
  g_autoptr (GPtrArray) ips = ips_new ();

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!g_hostname_is_ip_address (g_strstrip (words[i])))
        return NULL;
      add_once (ips, words[i]);
    }
  return g_steal_pointer (&ips);
}

/* ---- an expression ----------------------------------------------------------------------------
 */

static JsonNode *
ask_page (ElvesCliDesk *scheduler, const char *selector, guint page, GError **error)
{
  JsonBuilder *body = elves_cli_body_new ();
  g_autoptr (JsonNode) answer = NULL;
  JsonObject *members;

  elves_cli_body_add (body, "selector", selector);
  elves_cli_body_add_number (body, "page", page);
  elves_cli_body_add_number (body, "size", PAGE);
  answer = elves_cli_desk_ask (scheduler, "agents", body, error);
  if (answer == NULL)
    return NULL;
  members = json_node_get_object (answer);
  if (!g_str_equal (elves_cli_text (members, "flag"), "false"))
    return g_steal_pointer (&answer);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s %s", elves_cli_text (members, "error"),
               elves_cli_text (members, "detail"));
  return NULL;
}

/* How many the page had. */
static guint
take_page (GPtrArray *ips, JsonObject *answer)
{
  JsonArray *agents = elves_cli_array (answer, "result");
  guint length = agents != NULL ? json_array_get_length (agents) : 0;

  for (guint i = 0; i < length; i++)
    {
      JsonNode *agent = json_array_get_element (agents, i);

      if (JSON_NODE_HOLDS_OBJECT (agent))
        g_ptr_array_add (ips, g_strdup (elves_cli_text (json_node_get_object (agent), "ip")));
    }
  return length;
}

static GPtrArray *
look_up (const ElvesCliContext *context, const char *selector, GError **error)
{
  g_autoptr (ElvesCliDesk) scheduler = elves_cli_desk_open (context, "scheduler", error);
  g_autoptr (GPtrArray) ips = ips_new ();
  guint length = PAGE;

  if (scheduler == NULL)
    return NULL;
  for (guint page = 1; length == PAGE; page++)
    {
      g_autoptr (JsonNode) answer = ask_page (scheduler, selector, page, error);

      if (answer == NULL)
        return NULL;
      length = take_page (ips, json_node_get_object (answer));
    }
  return g_steal_pointer (&ips);
}

GPtrArray *
elves_run_targets (const ElvesCliContext *context, const char *target, GError **error)
{
  g_autoptr (GPtrArray) ips = parse_ips (target);

  if (ips == NULL)
    ips = look_up (context, g_str_equal (target, "all") ? "" : target, error);
  if (ips == NULL)
    return NULL;
  if (ips->len > 0)
    return g_steal_pointer (&ips);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "\"%s\": no agent is meant by that",
               target);
  return NULL;
}
