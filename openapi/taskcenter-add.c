/* POST task: createCron. A task that is there already is not made again: elves-cron tells by
 * "unique", also of requests at the same time. */
#include "openapi/taskcenter-private.h"

#include "common/json-writer.h"

#include <string.h>

/* How its answers begin: no instant comes; the message is larger than it takes. */
#define NO_INSTANT "[403.5]"
#define TOO_LARGE "[403.8]"

typedef struct
{
  ElvesTaskcenter *door;
  ElvesHttpRequest *request;
  ElvesTaskcenterTask *task;
  gboolean is_dormant;
} Addition;

static void ask (Addition *self);

static void
addition_free (Addition *self)
{
  elves_taskcenter_task_free (self->task);
  g_free (self);
}

static void
answer_id (Addition *self, const ElvesCallerAnswer *answer)
{
  g_autofree char *key = elves_json_value_to_text (elves_json_object_get (answer->members, "key"));
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_text (body, "taskid", key);
  elves_json_add_text (body, "name", self->task->name);
  elves_json_close (body);
  elves_taskcenter_answer (self->request, 200, body);
}

static void
answer_failure (Addition *self, const char *failure)
{
  if (g_str_has_prefix (failure, TOO_LARGE))
    {
      elves_taskcenter_refuse (self->request, 400, "params data invalid");
      return;
    }
  g_info ("a task could not be made name=%s: %s", self->task->name, failure);
  elves_taskcenter_refuse (self->request, 500, failure);
}

/* A task that can never run is taken all the same, and kept. */
static void
on_created (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Addition *self = user_data;
  g_autofree char *failure = elves_taskcenter_failure (answer, error);

  if (failure != NULL && g_str_has_prefix (failure, NO_INSTANT) && !self->is_dormant)
    {
      self->is_dormant = TRUE;
      ask (self);
      return;
    }
  if (failure != NULL)
    answer_failure (self, failure);
  else
    answer_id (self, answer);
  addition_free (self);
}

static void
ask (Addition *self)
{
  const ElvesOpenapiConfig *config = self->door->parts.config;
  ElvesTaskcenterPlan plan = { .topic = config->taskcenter_topic,
                               .loop_plus_one = config->taskcenter_loop_plus_one,
                               .is_dormant = self->is_dormant };
  GString *body =
      elves_taskcenter_task_to_request (self->task, &plan, g_get_real_time () / G_USEC_PER_SEC);

  elves_taskcenter_ask (self->door, "createCron", body, on_created, self);
}

static ElvesTaskcenterTask *
read_task (ElvesHttpRequest *request)
{
  g_autoptr (GBytes) body = elves_http_request_body (request);
  gsize length;
  const char *text = g_bytes_get_data (body, &length);

  return elves_taskcenter_task_parse (text != NULL ? text : "", length, NULL);
}

void
elves_taskcenter_add (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest)
{
  g_autoptr (ElvesTaskcenterTask) task = read_task (request);
  gboolean strict = self->parts.config->taskcenter_strict;
  const char *fault = "invalid param";
  Addition *addition;

  if (task != NULL)
    fault = elves_taskcenter_task_fault (task, strict, g_get_real_time () / G_USEC_PER_SEC);
  if (fault != NULL)
    {
      elves_taskcenter_refuse (request, 400, fault);
      return;
    }
  addition = g_new0 (Addition, 1);
  *addition = (Addition){ .door = self, .request = request, .task = g_steal_pointer (&task) };
  ask (addition);
}
