/* The time of a no-op, divided among those it passed: the scheduler says how long it had the job
 * and how much of that it waited for the agent; the rest is the broker's, and the network's. */
#include "cli/ping-report.h"

#include <stdio.h>

static const char *const hop_names[] = { "total", "broker", "scheduler", "agent" };

/* --- one ------------------------------------------------------------------------------------- */

/**
 * elves_ping_new:
 * @ip: the agent's name
 *
 * Returns: (transfer full): one that was not sent
 */
ElvesPing *
elves_ping_new (const char *ip)
{
  ElvesPing *self = g_new0 (ElvesPing, 1);

  self->ip = g_strdup (ip);
  return self;
}

/**
 * elves_ping_free:
 * @self: a ping
 */
void
elves_ping_free (ElvesPing *self)
{
  g_free (self->ip);
  g_free (self->problem);
  g_free (self);
}

static const char *
text_of (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : "";
}

static gint64
number_of (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                                         : fallback;
}

static JsonObject *
object_of (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static void
divide (ElvesPing *self, JsonObject *timing, gint64 total_us)
{
  gint64 scheduler_us = number_of (timing, "scheduler_us", -1);
  gint64 agent_us = number_of (timing, "agent_us", -1);

  for (int hop = 0; hop < ELVES_N_PING_HOPS; hop++)
    self->hop_us[hop] = ELVES_PING_UNKNOWN;
  self->hop_us[ELVES_PING_TOTAL] = total_us;
  if (scheduler_us < 0 || agent_us < 0)
    return;
  self->hop_us[ELVES_PING_BROKER] = MAX (total_us - scheduler_us, 0);
  self->hop_us[ELVES_PING_SCHEDULER] = MAX (scheduler_us - agent_us, 0);
  self->hop_us[ELVES_PING_AGENT] = agent_us;
}

static char *
problem_of (JsonObject *answer, JsonObject *data)
{
  const char *detail = text_of (data, "detail");
  const char *reason = text_of (data, "reason");
  const char *said = *detail != '\0' ? detail : text_of (data, "worker_message");

  if (number_of (data, "result_flag", 0) == 1)
    return NULL;
  if (*said == '\0')
    said = text_of (answer, "mqerror");
  return *reason != '\0' ? g_strdup_printf ("%s (%s)", said, reason) : g_strdup (said);
}

/**
 * elves_ping_take_answer:
 * @self: a ping
 * @answer: what the scheduler sent, in the flat form
 * @total_us: how long after it was asked
 */
void
elves_ping_take_answer (ElvesPing *self, JsonObject *answer, gint64 total_us)
{
  JsonObject *data = object_of (answer, "data");

  self->answered = TRUE;
  g_free (self->problem);
  self->problem =
      data != NULL ? problem_of (answer, data) : g_strdup ("the answer is not understood");
  divide (self, object_of (data, "timing"), total_us);
}

/**
 * elves_ping_print:
 * @self: a ping that is over
 *
 * One line on stdout.
 */
void
elves_ping_print (const ElvesPing *self)
{
  if (self->problem != NULL)
    {
      printf ("%s: %s\n", self->ip, self->problem);
      return;
    }
  printf ("%s:", self->ip);
  for (int hop = 0; hop < ELVES_N_PING_HOPS; hop++)
    if (self->hop_us[hop] != ELVES_PING_UNKNOWN)
      printf ("%s %s %.3f ms", hop == ELVES_PING_TOTAL ? "" : ",", hop_names[hop],
              (double) self->hop_us[hop] / 1000);
  putchar ('\n');
}

/* --- many ------------------------------------------------------------------------------------ */

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return (left > right) - (left < right);
}

/* The known times of a hop, of those that came back well, sorted. */
static GArray *
times_of (GPtrArray *pings, ElvesPingHop hop)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < pings->len; i++)
    {
      const ElvesPing *ping = pings->pdata[i];

      if (ping->problem == NULL && ping->hop_us[hop] != ELVES_PING_UNKNOWN)
        g_array_append_val (times, ping->hop_us[hop]);
    }
  g_array_sort (times, compare_times);
  return times;
}

static const struct
{
  const char *name;
  guint percent;
} points[] = { { "min", 0 }, { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 } };

static gint64
time_at (GArray *times, guint percent)
{
  guint index = (guint) ((guint64) times->len * percent / 100);

  return g_array_index (times, gint64, MIN (index, times->len - 1));
}

/**
 * elves_ping_count_failed:
 * @pings: of #ElvesPing, all over
 *
 * Returns: how many did not come back well
 */
guint
elves_ping_count_failed (GPtrArray *pings)
{
  guint failed = 0;

  for (guint i = 0; i < pings->len; i++)
    failed += ((const ElvesPing *) pings->pdata[i])->problem != NULL;
  return failed;
}

static void
print_hop (GPtrArray *pings, ElvesPingHop hop)
{
  g_autoptr (GArray) times = times_of (pings, hop);

  if (times->len == 0)
    return;
  printf ("  %-10s", hop_names[hop]);
  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    printf (" %s %9.3f", points[i].name, (double) time_at (times, points[i].percent) / 1000);
  puts (" ms");
}

/**
 * elves_ping_print_summary:
 * @pings: of #ElvesPing, all over
 */
void
elves_ping_print_summary (GPtrArray *pings)
{
  guint failed = elves_ping_count_failed (pings);

  printf ("%u sent, %u came back, %u failed\n", pings->len, pings->len - failed, failed);
  for (int hop = 0; hop < ELVES_N_PING_HOPS; hop++)
    print_hop (pings, (ElvesPingHop) hop);
}

static JsonObject *
json_of_ping (const ElvesPing *ping)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "ip", ping->ip);
  json_object_set_boolean_member (object, "ok", ping->problem == NULL);
  if (ping->problem != NULL)
    json_object_set_string_member (object, "problem", ping->problem);
  for (int hop = 0; ping->answered && hop < ELVES_N_PING_HOPS; hop++)
    if (ping->hop_us[hop] != ELVES_PING_UNKNOWN)
      {
        g_autofree char *name = g_strdup_printf ("%s_us", hop_names[hop]);

        json_object_set_int_member (object, name, ping->hop_us[hop]);
      }
  return object;
}

static void
add_hop (JsonObject *summary, GPtrArray *pings, ElvesPingHop hop)
{
  g_autoptr (GArray) times = times_of (pings, hop);
  g_autofree char *name = g_strdup_printf ("%s_us", hop_names[hop]);
  JsonObject *object;

  if (times->len == 0)
    return;
  object = json_object_new ();
  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    json_object_set_int_member (object, points[i].name, time_at (times, points[i].percent));
  json_object_set_object_member (summary, name, object);
}

/**
 * elves_ping_to_json:
 * @pings: of #ElvesPing, all over
 *
 * Returns: (transfer full): each of them, and the summary
 */
JsonNode *
elves_ping_to_json (GPtrArray *pings)
{
  JsonObject *root = json_object_new (), *summary = json_object_new ();
  JsonArray *array = json_array_sized_new (pings->len);
  JsonNode *node = json_node_alloc ();
  guint failed = elves_ping_count_failed (pings);

  for (guint i = 0; i < pings->len; i++)
    json_array_add_object_element (array, json_of_ping (pings->pdata[i]));
  json_object_set_int_member (summary, "sent", pings->len);
  json_object_set_int_member (summary, "failed", failed);
  for (int hop = 0; hop < ELVES_N_PING_HOPS; hop++)
    add_hop (summary, pings, (ElvesPingHop) hop);
  json_object_set_array_member (root, "pings", array);
  json_object_set_object_member (root, "summary", summary);
  json_node_init_object (node, root);
  json_object_unref (root);
  return node;
}
