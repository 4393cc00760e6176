/* Making jobs and queues: both are one submitQueue.
 *
 * An idempotency key belongs to who uses it, and to jobs or queues: elves-queue is given a sum of
 * all that. What the key stands for is the request, not the agents that it means today: so the
 * request's sum goes with it. */
#include "openapi/v3-private.h"

#include <string.h>

enum
{
  KEY_LIMIT_BYTES = 255,
  MESSAGE_FRAME_BYTES = 4096 /* around the members */
};

typedef struct
{
  guint wait_ms;
} Submission;

gboolean
elves_v3_is_mode (const char *text)
{
  return strcmp (text, "np") == 0 || strcmp (text, "p") == 0;
}

/* ---- the key ---- */

gboolean
elves_v3_is_key (const char *text)
{
  gsize length = strlen (text);

  if (length == 0 || length > KEY_LIMIT_BYTES)
    return FALSE;
  for (; *text != '\0'; text++)
    if (!g_ascii_isprint (*text))
      return FALSE;
  return TRUE;
}

static void
update (GChecksum *sum, const char *text)
{
  g_checksum_update (sum, (const guchar *) text, (gssize) strlen (text) + 1);
}

static void
add_key (ElvesV3Call *self, GString *body, const char *key)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *fingerprint = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, self->bytes);

  update (sum, self->auth_id);
  update (sum, key);
  elves_json_add_text (body, "key", g_checksum_get_string (sum));
  elves_json_add_text (body, "fingerprint", fingerprint);
}

/* ---- the members ---- */

static void
add_numbers (ElvesV3Call *self, GString *body)
{
  static const char *const names[] = { "width", "stagger_ms", "max_failures" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (elves_v3_has (self->body, names[i]))
      elves_json_add_number (body, names[i], elves_v3_integer (self->body, names[i], 0));
}

static void
copy_text (GString *body, const ElvesJsonObject *from, const char *name, const char *fallback)
{
  g_autofree char *text = elves_v3_has (from, name) ? elves_v3_text (from, name) : NULL;

  if (text != NULL || fallback != NULL)
    elves_json_add_text (body, name, text != NULL ? text : fallback);
}

static void
add_extra (ElvesV3Call *self, GString *body)
{
  g_autoptr (GString) extra = g_string_new (NULL);

  elves_json_open (extra, NULL);
  elves_json_add_text (extra, "by", self->auth_id);
  copy_text (extra, self->body, "func", NULL);
  copy_text (extra, self->body, "selector", NULL);
  elves_json_close (extra);
  elves_json_add_text (body, "extra", extra->str);
}

/**
 * elves_v3_submit_open:
 *
 * Returns: (transfer full) (nullable): an open object; %NULL when the call has ended
 */
GString *
elves_v3_submit_open (ElvesV3Call *self)
{
  const char *key = elves_http_request_header (self->request, "Idempotency-Key");
  guint wait_ms;
  Submission *submission;
  GString *body;

  if (key != NULL && !elves_v3_is_key (key))
    {
      elves_v3_fail_with (self, 400, "bad-key", "Idempotency-Key: expected 1 to 255 characters.",
                          NULL);
      return NULL;
    }
  if (!elves_v3_query_wait (self, &wait_ms))
    return NULL;
  submission = g_new0 (Submission, 1);
  submission->wait_ms = wait_ms;
  elves_v3_call_keep (self, submission, g_free);
  body = elves_v3_open ();
  elves_json_add_text (body, "owner", elves_v3_owner (self));
  copy_text (body, self->body, "app", "");
  copy_text (body, self->body, "name", NULL);
  elves_json_add_text (body, "on_failure", "skipped");
  add_numbers (self, body);
  add_extra (self, body);
  if (key != NULL)
    add_key (self, body, key);
  return body;
}

void
elves_v3_submit_task (GString *body, const ElvesJsonObject *from)
{
  copy_text (body, from, "func", NULL);
  copy_text (body, from, "mode", "np");
  copy_text (body, from, "param", NULL);
  copy_text (body, from, "proxy", NULL);
  if (elves_v3_has (from, "timeout"))
    elves_json_add_number (body, "timeout", elves_v3_integer (from, "timeout", 0));
}

/* ---- asking ---- */

static void
on_submitted (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  const Submission *self = call->state;
  guint wait_ms = self->wait_ms;
  g_autofree char *id = NULL, *location = NULL, *existed = NULL, *wait = NULL;

  if (!elves_v3_went_well (call, answer, error))
    return;
  id = elves_v3_text (answer->members, "id");
  existed = elves_v3_text (answer->members, "existed");
  location = g_strconcat (ELVES_V3_PREFIX, call->route->path, "/", id, NULL);
  elves_http_request_add_header (call->request, "Location", location);
  if (strcmp (existed, "true") == 0)
    elves_http_request_add_header (call->request, "Idempotency-Replayed", "true");
  if (wait_ms == 0)
    {
      elves_v3_show_queue (call, id, 202, FALSE);
      return;
    }
  wait = g_strdup_printf ("wait=%u", wait_ms / 1000);
  elves_http_request_add_header (call->request, "Preference-Applied", wait);
  elves_v3_wait_for_queue (call, id, wait_ms, 202);
}

/**
 * elves_v3_submit:
 * @body: (transfer full): of elves_v3_submit_open(), with tasks
 */
void
elves_v3_submit (ElvesV3Call *self, GString *body)
{
  if (body->len + MESSAGE_FRAME_BYTES > self->api->parts.config->mq.max_message_bytes)
    {
      g_string_free (body, TRUE);
      elves_v3_fail_with (self, 413, "too-large",
                          "The parameter is too large for so many agents (mq.maxMessage).", NULL);
      return;
    }
  elves_v3_ask (self, "queue", "submitQueue", body, 0, on_submitted);
}
