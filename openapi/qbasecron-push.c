/* Notifications. As the original does, what names no device is refused with code 0, and a text. */
#include "openapi/qbasecron-private.h"

#include "common/json-writer.h"

#define TEXT_TAKEN "您的推送已经成功放到后台进行推送了，稍等"
#define TEXT_NO_TOKEN "您的推送已失败，请检查是否配置token"

static void
answer_taken (ElvesQbasecronCall *call, const ElvesPush *push)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_push_write (push, body, "data");
  elves_qbasecron_answer (call, 200, body, ELVES_QBASECRON_OK, TEXT_TAKEN);
}

void
elves_qbasecron_push (ElvesQbasecronCall *call)
{
  g_autoptr (ElvesParameters) parameters = NULL;
  g_auto (ElvesPush) push = { 0 };
  g_autoptr (GError) error = NULL;

  if (call->door->push == NULL)
    {
      elves_qbasecron_not_found (call);
      return;
    }
  parameters = elves_qbasecron_read (call);
  if (parameters == NULL)
    return;
  if (!elves_push_read (&push, parameters))
    elves_qbasecron_refuse (call, 200, ELVES_QBASECRON_OK, TEXT_NO_TOKEN);
  else if (!call->door->driver->push (call->door->push, &push, &error))
    elves_qbasecron_fail (call, error->message);
  else
    answer_taken (call, &push);
}
