/* One function on many agents: a queue whose tasks do not wait for each other. */
#include "openapi/v3-private.h"

#define JOB_NUMBER_MAX 1000000

/* clang-format off */
const ElvesV3Field elves_v3_job_fields[] = {
  { "agent", ELVES_V3_TEXT, 1, 64, .is_valid = elves_v3_is_agent, .expected = "an IPv4 address" },
  { "agents", ELVES_V3_TEXTS, 1, 100000, .is_valid = elves_v3_is_agent,
    .expected = "an IPv4 address" },
  { "selector", ELVES_V3_TEXT, 1, 4096 },
  { "all", ELVES_V3_BOOLEAN },
  { "name", ELVES_V3_TEXT, 0, 128 },
  { "app", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "func", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "param", ELVES_V3_ANY, 0, G_MAXINT },
  { "mode", ELVES_V3_TEXT, 1, 2, .is_valid = elves_v3_is_mode, .expected = "np or p" },
  { "proxy", ELVES_V3_TEXT, 0, 255 },
  { "timeout", ELVES_V3_INTEGER, 1, JOB_NUMBER_MAX },
  { "width", ELVES_V3_INTEGER, 0, JOB_NUMBER_MAX },
  { "stagger_ms", ELVES_V3_INTEGER, 0, JOB_NUMBER_MAX },
  { "max_failures", ELVES_V3_INTEGER, 0, JOB_NUMBER_MAX },
  { NULL }
};
/* clang-format on */

static void
on_targets (ElvesV3Call *call, GPtrArray *ips)
{
  g_autoptr (GPtrArray) agents = ips;
  gsize max_bytes = call->api->parts.config->mq.max_message_bytes;
  GString *body = elves_v3_submit_open (call);

  if (body == NULL)
    return;
  elves_json_open_array (body, "tasks");
  for (guint i = 0; i < agents->len && body->len < max_bytes; i++)
    {
      elves_json_open (body, NULL);
      elves_json_add_text (body, "ip", agents->pdata[i]);
      elves_v3_submit_task (body, call->body);
      elves_json_close (body);
    }
  elves_json_close_array (body);
  elves_v3_submit (call, body);
}

void
elves_v3_jobs_create (ElvesV3Call *call)
{
  elves_v3_targets_find (call, on_targets);
}
