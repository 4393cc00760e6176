/* Which agents a job is for. A label expression, or "all", is resolved when the job comes, page by
 * page, by the scheduler: who registers later is not meant. With a supervisor each agent is asked
 * about, one after the other. */
#include "openapi/v3-private.h"

#include "openapi/validate.h"

#include <string.h>

enum
{
  AGENTS_PAGE = 1000
};

gboolean
elves_v3_is_agent (const char *text)
{
  return elves_validate_ip (text);
}

/* ---- rights ---- */

typedef struct
{
  GPtrArray *apps; /* one for all, or one for each */
  GPtrArray *ips;
  guint asked;
  ElvesV3TargetsFunc func;
} Permission;

static void
permission_free (gpointer data)
{
  Permission *self = data;

  g_clear_pointer (&self->apps, g_ptr_array_unref);
  g_clear_pointer (&self->ips, g_ptr_array_unref);
  g_free (self);
}

static void ask_next (ElvesV3Call *call);

static void
on_permitted (const char *auth_id G_GNUC_UNUSED, const char *error_text, gpointer user_data)
{
  ElvesV3Call *call = user_data;

  if (error_text != NULL)
    elves_v3_fail (call, elves_v3_problem_of_auth (error_text));
  else
    ask_next (call);
}

static void
ask_next (ElvesV3Call *call)
{
  Permission *self = call->state;
  guint i = self->asked++;

  if (i < self->ips->len)
    elves_auth_permit (call->api->parts.auth, call->auth_id,
                       self->apps->pdata[MIN (i, self->apps->len - 1)], self->ips->pdata[i],
                       on_permitted, call);
  else
    self->func (call, g_steal_pointer (&self->ips));
}

/**
 * elves_v3_targets_permit:
 * @apps: (transfer full): of char *: one for all agents, or one for each
 * @ips: (transfer full): of char *
 */
void
elves_v3_targets_permit (ElvesV3Call *self,
                         GPtrArray *apps,
                         GPtrArray *ips,
                         ElvesV3TargetsFunc func)
{
  Permission *permission;

  if (!elves_openapi_config_asks_supervisor (self->api->parts.config))
    {
      g_ptr_array_unref (apps);
      func (self, ips);
      return;
    }
  permission = g_new0 (Permission, 1);
  *permission = (Permission){ .apps = apps, .ips = ips, .func = func };
  elves_v3_call_keep (self, permission, permission_free);
  ask_next (self);
}

static void
permit_app (ElvesV3Call *self, GPtrArray *ips, ElvesV3TargetsFunc func)
{
  GPtrArray *apps = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (apps, elves_v3_text (self->body, "app"));
  elves_v3_targets_permit (self, apps, ips, func);
}

/* ---- by expression ---- */

typedef struct
{
  char *selector; /* "": all */
  GPtrArray *ips;
  gint64 page;
  ElvesV3TargetsFunc func;
} Search;

static void
search_free (gpointer data)
{
  Search *self = data;

  g_free (self->selector);
  g_clear_pointer (&self->ips, g_ptr_array_unref);
  g_free (self);
}

static void ask_page (ElvesV3Call *call);

static guint
collect (Search *self, const ElvesCallerAnswer *answer)
{
  ElvesJsonValue list = elves_json_object_get (answer->members, "result"), element;
  gsize position = 0;
  guint count = 0;

  while (list.kind == ELVES_JSON_ARRAY && elves_json_array_next (list, &position, &element))
    {
      g_autoptr (ElvesJsonObject) agent =
          elves_json_object_parse (element.text, element.length, NULL);
      g_autofree char *ip = agent != NULL ? elves_v3_text (agent, "ip") : NULL;

      count++;
      if (ip != NULL && elves_v3_is_agent (ip))
        g_ptr_array_add (self->ips, g_steal_pointer (&ip));
    }
  return count;
}

static void
end_search (ElvesV3Call *call)
{
  Search *self = call->state;
  ElvesV3TargetsFunc func = self->func;

  if (self->ips->len > call->api->parts.config->max_targets)
    elves_v3_fail_with (call, 422, "too-many-agents", "More agents than openapi.maxTargets match.",
                        NULL);
  else if (self->ips->len == 0)
    elves_v3_fail_with (call, 422, "no-agents", "No agent matches.", NULL);
  else
    permit_app (call, g_steal_pointer (&self->ips), func);
}

static void
on_page (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  Search *self = call->state;

  if (!elves_v3_went_well (call, answer, error))
    return;
  if (collect (self, answer) < AGENTS_PAGE || self->ips->len > call->api->parts.config->max_targets)
    end_search (call);
  else
    ask_page (call);
}

static void
ask_page (ElvesV3Call *call)
{
  Search *self = call->state;
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "selector", self->selector);
  elves_json_add_number (body, "page", ++self->page);
  elves_json_add_number (body, "size", AGENTS_PAGE);
  elves_v3_ask (call, "scheduler", "agents", body, 0, on_page);
}

static void
search (ElvesV3Call *call, const char *selector, ElvesV3TargetsFunc func)
{
  Search *self = g_new0 (Search, 1);

  self->selector = g_strdup (selector);
  self->ips = g_ptr_array_new_with_free_func (g_free);
  self->func = func;
  elves_v3_call_keep (call, self, search_free);
  ask_page (call);
}

/* ---- by name ---- */

static GPtrArray *
read_list (ElvesV3Call *call)
{
  GPtrArray *ips = g_ptr_array_new_with_free_func (g_free);
  ElvesJsonValue list = elves_json_object_get (call->body, "agents"), element;
  gsize position = 0;

  if (list.kind == ELVES_JSON_ABSENT)
    g_ptr_array_add (ips, elves_v3_text (call->body, "agent"));
  while (list.kind == ELVES_JSON_ARRAY && elves_json_array_next (list, &position, &element))
    g_ptr_array_add (ips, elves_json_value_to_text (element));
  return ips;
}

static gboolean
has_twice (const GPtrArray *ips)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < ips->len; i++)
    if (!g_hash_table_add (seen, ips->pdata[i]))
      return TRUE;
  return FALSE;
}

static void
refuse (ElvesV3Call *call, const char *pointer, const char *why)
{
  g_autoptr (GString) errors = g_string_new (NULL);

  elves_v3_fields_blame (errors, pointer, why);
  elves_v3_fail_with (call, 422, "invalid", "The body is not as it has to be.", errors);
}

static void
take_list (ElvesV3Call *call, ElvesV3TargetsFunc func)
{
  GPtrArray *ips = read_list (call);

  if (ips->len > call->api->parts.config->max_targets)
    refuse (call, "/agents", "more than openapi.maxTargets");
  else if (has_twice (ips))
    refuse (call, "/agents", "an agent comes twice");
  else
    {
      permit_app (call, ips, func);
      return;
    }
  g_ptr_array_unref (ips);
}

/**
 * elves_v3_targets_find:
 * @func: called with the agents; not when the call has ended
 */
void
elves_v3_targets_find (ElvesV3Call *self, ElvesV3TargetsFunc func)
{
  g_autofree char *selector = elves_v3_text (self->body, "selector");
  gboolean all = elves_v3_boolean (self->body, "all");
  guint ways = (elves_v3_has (self->body, "agent") ? 1 : 0) +
               (elves_v3_has (self->body, "agents") ? 1 : 0) +
               (elves_v3_has (self->body, "selector") ? 1 : 0) + (all ? 1 : 0);

  if (ways != 1)
    refuse (self, "", "expected one of agent, agents, selector and all");
  else if (all || *selector != '\0')
    search (self, selector, func);
  else
    take_list (self, func);
}
