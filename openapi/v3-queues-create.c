/* Tasks of which some wait for others: their names, and "after". */
#include "openapi/v3-private.h"

#define QUEUE_NUMBER_MAX 1000000

/* clang-format off */
static const ElvesV3Field task_fields[] = {
  { "name", ELVES_V3_TEXT, 0, 128 },
  { "after", ELVES_V3_TEXTS, 0, 1000 },
  { "agent", ELVES_V3_TEXT, 1, 64, .required = TRUE, .is_valid = elves_v3_is_agent,
    .expected = "an IPv4 address" },
  { "app", ELVES_V3_TEXT, 1, 255 },
  { "func", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "param", ELVES_V3_ANY, 0, G_MAXINT },
  { "mode", ELVES_V3_TEXT, 1, 2, .is_valid = elves_v3_is_mode, .expected = "np or p" },
  { "proxy", ELVES_V3_TEXT, 0, 255 },
  { "timeout", ELVES_V3_INTEGER, 1, QUEUE_NUMBER_MAX },
  { NULL }
};

const ElvesV3Field elves_v3_queue_fields[] = {
  { "name", ELVES_V3_TEXT, 0, 128 },
  { "app", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "tasks", ELVES_V3_OBJECTS, 1, 100000, .required = TRUE, .fields = task_fields },
  { "width", ELVES_V3_INTEGER, 0, QUEUE_NUMBER_MAX },
  { "stagger_ms", ELVES_V3_INTEGER, 0, QUEUE_NUMBER_MAX },
  { "max_failures", ELVES_V3_INTEGER, 0, QUEUE_NUMBER_MAX },
  { NULL }
};
/* clang-format on */

static void
add_text (GString *body, const ElvesJsonObject *task, const char *name)
{
  g_autofree char *text = elves_v3_text (task, name);

  if (elves_v3_has (task, name))
    elves_json_add_text (body, name, text);
}

static void
add_task (GString *body, ElvesJsonValue value)
{
  g_autoptr (ElvesJsonObject) task = elves_json_object_parse (value.text, value.length, NULL);
  g_autofree char *agent = elves_v3_text (task, "agent");
  ElvesJsonValue after = elves_json_object_get (task, "after");

  elves_json_open (body, NULL);
  elves_json_add_text (body, "ip", agent);
  add_text (body, task, "name");
  add_text (body, task, "app");
  if (after.kind == ELVES_JSON_ARRAY)
    elves_json_add_json (body, "after", after.text, after.length);
  elves_v3_submit_task (body, task);
  elves_json_close (body);
}

static void
on_permitted (ElvesV3Call *call, GPtrArray *ips)
{
  ElvesJsonValue tasks = elves_json_object_get (call->body, "tasks"), task;
  gsize position = 0;
  GString *body = elves_v3_submit_open (call);

  g_ptr_array_unref (ips);
  if (body == NULL)
    return;
  elves_json_open_array (body, "tasks");
  while (elves_json_array_next (tasks, &position, &task))
    add_task (body, task);
  elves_json_close_array (body);
  elves_v3_submit (call, body);
}

/* FALSE: there are too many. */
static gboolean
read_targets (ElvesV3Call *call, GPtrArray *apps, GPtrArray *ips)
{
  ElvesJsonValue tasks = elves_json_object_get (call->body, "tasks"), value;
  gsize position = 0;

  while (elves_json_array_next (tasks, &position, &value))
    {
      g_autoptr (ElvesJsonObject) task = elves_json_object_parse (value.text, value.length, NULL);
      g_ptr_array_add (ips, elves_v3_text (task, "agent"));
      g_ptr_array_add (apps, elves_v3_text (elves_v3_has (task, "app") ? task : call->body, "app"));
    }
  return ips->len <= call->api->parts.config->max_targets;
}

void
elves_v3_queues_create (ElvesV3Call *call)
{
  g_autoptr (GPtrArray) apps = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) ips = g_ptr_array_new_with_free_func (g_free);

  if (read_targets (call, apps, ips))
    elves_v3_targets_permit (call, g_steal_pointer (&apps), g_steal_pointer (&ips), on_permitted);
  else
    elves_v3_fail_with (call, 422, "too-many-tasks", "More tasks than openapi.maxTargets.", NULL);
}
