/* elvesctl ping: a no-op to one agent or to all, and where its time goes.
 *
 * Asks for the built-in function by sendSync. So many at a time are under way, which keeps ten
 * thousand agents from being ten thousand messages in the scheduler's queue, in front of everybody
 * else's. */
#include "cli/asker.h"
#include "cli/command.h"
#include "cli/ping-report.h"
#include "cli/print.h"
#include "cli/registry.h"
#include "common/error.h"
#include "common/job.h"
#include "common/names.h"

#include <string.h>

enum
{
  WINDOW = 256,
  DEFAULT_TIMEOUT_S = 5,
  COUNT_LIMIT = 1000000
};

typedef struct
{
  const char *target; /* an ip, or "all" */
  int count, timeout_s;
  double interval_s;
  gboolean json;

  ElvesAsker *asker;
  GPtrArray *agents;     /* of char * */
  GPtrArray *pings;      /* of ElvesPing, all of them */
  GHashTable *under_way; /* id -> ElvesPing, of pings */
  guint next;            /* of agents, in this round */
} Pinger;

static void
pinger_clear (Pinger *self)
{
  elves_asker_free (self->asker);
  g_clear_pointer (&self->agents, g_ptr_array_unref);
  g_clear_pointer (&self->pings, g_ptr_array_unref);
  g_clear_pointer (&self->under_way, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pinger, pinger_clear)

static JsonNode *
make_message (const char *id, const char *ip, int timeout_s)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_alloc ();
  g_autofree char *key = g_strdup_printf ("elvesctl.scheduler.sendSync.%s", id);

  json_object_set_string_member (object, "mqkey", key);
  json_object_set_string_member (object, "mqtype", "call");
  json_object_set_string_member (object, "id", id);
  json_object_set_string_member (object, "agent_ip", ip);
  json_object_set_string_member (object, "mode", "NP");
  json_object_set_string_member (object, "app", ELVES_BUILTIN_APP);
  json_object_set_string_member (object, "func", ELVES_BUILTIN_PING);
  json_object_set_int_member (object, "timeout", timeout_s);
  json_object_set_boolean_member (object, "timing", TRUE);
  json_node_init_object (node, object);
  json_object_unref (object);
  return node;
}

static gboolean
send_next (Pinger *self, GError **error)
{
  ElvesPing *ping = elves_ping_new (self->agents->pdata[self->next++]);
  char *id = elves_job_new_id ();
  g_autoptr (JsonNode) message = make_message (id, ping->ip, self->timeout_s);

  g_ptr_array_add (self->pings, ping);
  g_hash_table_insert (self->under_way, id, ping);
  ping->sent_us = g_get_monotonic_time ();
  return elves_asker_publish (self->asker, message, error);
}

static void
end_ping (Pinger *self, const char *id, const ElvesPing *ping)
{
  if (!self->json)
    elves_ping_print (ping);
  g_hash_table_remove (self->under_way, id);
}

static void
take_answer (Pinger *self, JsonNode *answer)
{
  gint64 now_us = g_get_monotonic_time ();
  JsonObject *root = JSON_NODE_HOLDS_OBJECT (answer) ? json_node_get_object (answer) : NULL;
  const char *key =
      root != NULL ? json_object_get_string_member_with_default (root, "mqkey", "") : "";
  const char *dot = strrchr (key, '.');
  ElvesPing *ping = dot != NULL ? g_hash_table_lookup (self->under_way, dot + 1) : NULL;

  if (ping == NULL)
    return; /* it comes too late */
  elves_ping_take_answer (ping, root, now_us - ping->sent_us);
  end_ping (self, dot + 1, ping);
}

static gint64
first_deadline_us (Pinger *self)
{
  gint64 first_us = G_MAXINT64;
  GHashTableIter iter;
  gpointer ping;

  g_hash_table_iter_init (&iter, self->under_way);
  while (g_hash_table_iter_next (&iter, NULL, &ping))
    first_us = MIN (first_us, ((ElvesPing *) ping)->sent_us);
  return first_us + self->timeout_s * (gint64) G_USEC_PER_SEC;
}

static void
give_up_overdue (Pinger *self)
{
  gint64 sent_before_us = g_get_monotonic_time () - self->timeout_s * (gint64) G_USEC_PER_SEC;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->under_way);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ElvesPing *ping = value;

      if (ping->sent_us > sent_before_us)
        continue;
      ping->problem = g_strdup_printf ("no answer within %d s", self->timeout_s);
      if (!self->json)
        elves_ping_print (ping);
      g_hash_table_iter_remove (&iter);
    }
}

static gboolean
take_answers (Pinger *self, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (JsonNode) answer = elves_asker_wait (self->asker, first_deadline_us (self), &why);

  if (answer != NULL)
    take_answer (self, answer);
  else if (!g_error_matches (why, ELVES_ERROR, ELVES_ERROR_TIMEOUT))
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
  give_up_overdue (self);
  return TRUE;
}

/* One to each agent. */
static gboolean
run_round (Pinger *self, GError **error)
{
  self->next = 0;
  while (self->next < self->agents->len || g_hash_table_size (self->under_way) > 0)
    {
      while (self->next < self->agents->len && g_hash_table_size (self->under_way) < WINDOW)
        if (!send_next (self, error))
          return FALSE;
      if (!take_answers (self, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run_rounds (Pinger *self, GError **error)
{
  for (int round = 0; round < self->count; round++)
    {
      if (round > 0)
        g_usleep ((gulong) (self->interval_s * G_USEC_PER_SEC));
      if (!run_round (self, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
find_agents (Pinger *self, const ElvesCliSettings *settings, GError **error)
{
  g_autoptr (ElvesCliRegistry) registry = NULL;

  if (!g_str_equal (self->target, "all"))
    {
      self->agents = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (self->agents, g_strdup (self->target));
      return TRUE;
    }
  registry = elves_cli_registry_open (settings, error);
  if (registry != NULL)
    self->agents = elves_cli_registry_agents (registry, error);
  if (self->agents != NULL && self->agents->len == 0)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "no agent is registered");
  return self->agents != NULL && self->agents->len > 0;
}

static gboolean
parse_arguments (Pinger *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "count", 'c', 0, G_OPTION_ARG_INT, &self->count, "How often (1)", "N" },
    { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &self->interval_s, "Between two rounds (1)",
      "SECONDS" },
    { "timeout", 't', 0, G_OPTION_ARG_INT, &self->timeout_s, "How long to wait for each (5)",
      "SECONDS" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print all of it as JSON, at the end", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[IP|all]");

  g_option_context_set_summary (
      context, "Sends a no-op through broker and scheduler to an agent and back, to one agent or\n"
               "to all that are registered, and prints where its time went.\n\n"
               "Example:\n"
               "  elvesctl ping 10.0.0.7 --count 10\n\n"
               "Exit status: 0 all came back, 2 usage, 3 some did not, 4 none was answered.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  self->target = argc == 2 ? argv[1] : "all";
  if (argc <= 2 && self->count >= 1 && self->count <= COUNT_LIMIT && self->timeout_s >= 1 &&
      self->interval_s >= 0 && self->interval_s <= 3600)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "ping takes one IP, or all, and positive numbers (elvesctl ping --help)");
  return FALSE;
}

static gboolean
is_answered (GPtrArray *pings)
{
  for (guint i = 0; i < pings->len; i++)
    if (((const ElvesPing *) pings->pdata[i])->answered)
      return TRUE;
  return FALSE;
}

static int
report (Pinger *self)
{
  g_autoptr (JsonNode) json = self->json ? elves_ping_to_json (self->pings) : NULL;

  if (json != NULL)
    elves_print_json (json);
  else
    elves_ping_print_summary (self->pings);
  if (!is_answered (self->pings))
    return ELVES_EXIT_UNREACHABLE;
  return elves_ping_count_failed (self->pings) == 0 ? ELVES_EXIT_SUCCESS : ELVES_EXIT_NOT_RUN;
}

/**
 * elves_cli_ping:
 * @context: where broker and ZooKeeper are.
 * @argc: number of arguments.
 * @argv: "ping", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_ping (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (ElvesCliSettings) settings = { 0 };
  g_auto (Pinger) self = { .count = 1, .interval_s = 1, .timeout_s = DEFAULT_TIMEOUT_S };

  if (!parse_arguments (&self, argc, argv, error) ||
      !elves_cli_settings_load (&settings, context, error) ||
      !find_agents (&self, &settings, error))
    return -1;
  self.pings = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_ping_free);
  self.under_way = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.asker = elves_asker_new (&settings, NULL, error);
  if (self.asker == NULL || !run_rounds (&self, error))
    return -1;
  return report (&self);
}
