/* What a component is asked, whatever generation of message asks it; and the answer's shape.
 *
 * The values are spans of the message, which the request holds. Numbers and booleans are taken as
 * texts where a text is wanted, as the original's getString() did.
 *
 * Promises: every text is valid UTF-8 without NUL; an answer is valid JSON. Does not know what the
 * actions mean. */
#include "common/component-request.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "common/message-head.h"
#include "common/utf8.h"

#include <string.h>

#define DETAIL_LIMIT_BYTES 1024

struct ElvesRequest
{
  ElvesMessageHead head;
  GBytes *body;
  gboolean redelivered;
  char *fingerprint;
};

/* Whom a message was addressed to tells it from another one of the same text: an asker waits on a
   queue of its own, or gives its requests numbers. */
static char *
make_fingerprint (const ElvesRequestMessage *message, const void *bytes, gsize length)
{
  const ElvesMessageProperties *properties = &message->properties;
  const char *const parts[] = { properties->message_id, properties->reply_to,
                                properties->correlation_id };
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_MD5);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (parts[i])
      g_checksum_update (sum, (const guchar *) parts[i], (gssize) strlen (parts[i]) + 1);
    else
      g_checksum_update (sum, (const guchar *) "\001", 1);
  g_checksum_update (sum, bytes, (gssize) length);
  return g_strdup (g_checksum_get_string (sum));
}

/**
 * elves_request_parse:
 * @rules: what is configured
 * @message: as it was delivered; its body is kept
 *
 * Returns: (transfer full): the request; %NULL when it is not a message of ours.
 * Errors: %ELVES_ERROR_INVALID.
 */
ElvesRequest *
elves_request_parse (const ElvesMessageRules *rules,
                     const ElvesRequestMessage *message,
                     GError **error)
{
  g_autoptr (ElvesRequest) self = g_new0 (ElvesRequest, 1);
  gsize length;
  const void *bytes = g_bytes_get_data (message->body, &length);
  self->body = g_bytes_ref (message->body);
  self->redelivered = message->redelivered;
  if (!elves_message_head_read (&self->head, rules, &message->properties, bytes, length, error))
    return NULL;
  self->fingerprint = make_fingerprint (message, bytes, length);
  return g_steal_pointer (&self);
}

/**
 * elves_request_free:
 * @self: (nullable): a request
 */
void
elves_request_free (ElvesRequest *self)
{
  if (!self)
    return;
  elves_message_head_clear (&self->head);
  g_bytes_unref (self->body);
  g_free (self->fingerprint);
  g_free (self);
}

const char *
elves_request_action (const ElvesRequest *self)
{
  return self->head.action;
}

const char *
elves_request_from (const ElvesRequest *self)
{
  return self->head.from;
}

gboolean
elves_request_may_repeat (const ElvesRequest *self)
{
  return self->redelivered;
}

const char *
elves_request_fingerprint (const ElvesRequest *self)
{
  return self->fingerprint;
}

/* ---- members -------------------------------------------------------------------------------- */

/**
 * elves_request_get:
 * @name: of a member
 *
 * Returns: it, or a value of kind %ELVES_JSON_ABSENT; its text lives as long as the request.
 */
ElvesJsonValue
elves_request_get (const ElvesRequest *self, const char *name)
{
  return elves_json_object_get (elves_message_head_fields (&self->head), name);
}

static gboolean
fail (GError **error, const char *name, const char *expected)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: expected %s", name, expected);
  return FALSE;
}

static gboolean
is_scalar (ElvesJsonKind kind)
{
  return kind != ELVES_JSON_ARRAY && kind != ELVES_JSON_OBJECT;
}

/**
 * elves_request_text:
 * @name: of a member
 * @out_text: (out) (transfer full): its trimmed text; of null and of what is absent ""
 *
 * Returns: whether it is a text, number or boolean.
 * Errors: %ELVES_ERROR_INVALID names the member.
 */
gboolean
elves_request_text (const ElvesRequest *self, const char *name, char **out_text, GError **error)
{
  ElvesJsonValue value = elves_request_get (self, name);
  if (!is_scalar (value.kind))
    return fail (error, name, "a text");
  *out_text = g_strstrip (elves_json_value_to_text (value));
  return TRUE;
}

/* Digits, with a sign, and zeros behind the point if there is one. */
static gboolean
parse_whole (const char *text, gint64 *out_number)
{
  const char *digits = *text == '-' ? text + 1 : text;
  char *end;
  if (!g_ascii_isdigit (*digits) || strspn (digits, "0123456789") > 18)
    return FALSE;
  *out_number = g_ascii_strtoll (text, &end, 10);
  if (*end == '.' && end[1] == '0')
    end += 1 + strspn (end + 1, "0");
  return *end == '\0';
}

/**
 * elves_request_number:
 * @name: of a member
 * @strict: a JSON number only, not its text
 * @min: least value
 * @max: greatest value
 * @fallback: of what is absent, null or (unless @strict) blank
 * @out_number: (out): the number
 *
 * Returns: whether it is a whole number within the limits.
 * Errors: %ELVES_ERROR_INVALID names the member and the limits.
 */
gboolean
elves_request_number (const ElvesRequest *self,
                      const char *name,
                      gboolean strict,
                      gint64 min,
                      gint64 max,
                      gint64 fallback,
                      gint64 *out_number,
                      GError **error)
{
  ElvesJsonValue value = elves_request_get (self, name);
  g_autofree char *text = g_strstrip (elves_json_value_to_text (value));
  gint64 number;
  if (value.kind == ELVES_JSON_ABSENT || value.kind == ELVES_JSON_NULL ||
      (!strict && value.kind == ELVES_JSON_STRING && *text == '\0'))
    {
      *out_number = fallback;
      return TRUE;
    }
  if (value.kind != ELVES_JSON_NUMBER && (strict || value.kind != ELVES_JSON_STRING))
    return fail (error, name, "a number");
  if (!parse_whole (text, &number) || number < min || number > max)
    {
      g_autofree char *limits = g_strdup_printf (
          "a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min, max);
      return fail (error, name, limits);
    }
  *out_number = number;
  return TRUE;
}

/* ---- results -------------------------------------------------------------------------------- */

void
elves_component_result_clear (ElvesComponentResult *self)
{
  g_free (self->id);
  g_free (self->rand_id);
  g_free (self->error);
  g_free (self->worker_message);
  g_free (self->reason);
  g_free (self->detail);
  memset (self, 0, sizeof *self);
}

static char *
member_text (const ElvesJsonObject *object, const char *name)
{
  return object ? elves_json_value_to_text (elves_json_object_get (object, name)) : g_strdup ("");
}

static gint64
member_number (const ElvesJsonObject *object, const char *name, gint64 fallback)
{
  g_autofree char *text = g_strstrip (member_text (object, name));
  gint64 number;
  return parse_whole (text, &number) ? CLAMP (number, G_MININT32, G_MAXINT32) : fallback;
}

/* Of a result without a usable one: not delivered, so nothing ran; or a worker that said nothing.
 */
static gint32
read_worker_flag (const ElvesJsonObject *inner, gboolean delivered)
{
  gint64 flag = member_number (inner, "worker_flag", delivered ? G_MAXINT32 : -1);
  return flag == 1 || flag == 0 ? (gint32) flag : -1;
}

/* "reason" and "detail" stand beside flag when it was not delivered, else beside worker_flag. */
static char *
read_cause (const ElvesRequest *self, const ElvesJsonObject *inner, const char *name)
{
  g_autofree char *outer = NULL;
  if (elves_request_text (self, name, &outer, NULL) && *outer != '\0')
    return g_steal_pointer (&outer);
  return member_text (inner, name);
}

static gboolean
read_flag (const ElvesRequest *self, gboolean *out_flag, GError **error)
{
  g_autofree char *flag = NULL;
  if (!elves_request_text (self, "flag", &flag, error))
    return FALSE;
  *out_flag = strcmp (flag, "true") == 0;
  return *out_flag || strcmp (flag, "false") == 0 || fail (error, "flag", "true or false");
}

/**
 * elves_request_read_result:
 * @out_result: (out caller-allocates): all zero; filled only on success
 *
 * Of a cronResult or taskResult; texts that are missing are "".
 *
 * Returns: whether it is a result: a flag, and the id of a job.
 * Errors: %ELVES_ERROR_INVALID.
 */
gboolean
elves_request_read_result (const ElvesRequest *self,
                           ElvesComponentResult *out_result,
                           GError **error)
{
  g_auto (ElvesComponentResult) result = { 0 };
  ElvesJsonValue value = elves_request_get (self, "result");
  g_autoptr (ElvesJsonObject) inner = NULL;
  if (value.kind != ELVES_JSON_OBJECT)
    return fail (error, "result", "an object");
  inner = elves_json_object_parse (value.text, value.length, error);
  if (!inner || !read_flag (self, &result.delivered, error))
    return FALSE;
  result.id = g_strstrip (member_text (inner, "id"));
  if (*result.id == '\0')
    return fail (error, "result.id", "the id of a job");
  result.rand_id = member_text (inner, "rand_id");
  result.error = elves_json_value_to_text (elves_request_get (self, "error"));
  result.worker_flag = read_worker_flag (inner, result.delivered);
  result.worker_message = member_text (inner, "worker_message");
  result.worker_cost_ms = (gint32) member_number (inner, "worker_costtime", 0);
  result.reason = read_cause (self, inner, "reason");
  result.detail = read_cause (self, inner, "detail");
  *out_result = result;
  memset (&result, 0, sizeof result);
  return TRUE;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
write_flat_head (const ElvesRequest *self, GString *out, const char *error_text)
{
  const ElvesMessageHead *head = &self->head;
  g_autofree char *key =
      g_strdup_printf ("%s.%s.%s.%s", head->to, head->from, head->action, head->correlation);
  elves_json_add_text (out, "mqkey", key);
  elves_json_add_text (out, "mqtype", "cast");
  elves_json_add_text (out, "mqflag", *error_text == '\0' ? "1" : "0");
  elves_json_add_text (out, "mqerror", error_text);
}

static void
write_head (const ElvesRequest *self, GString *out)
{
  g_autofree char *key = g_strdup_printf ("%s.%s", self->head.to, self->head.from);
  elves_json_add_text (out, "mqkey", key);
  elves_json_add_text (out, "mqflag", "cast");
  elves_json_add_text (out, "mqtype", "cast");
}

/**
 * elves_request_answer:
 * @rules: what is configured
 * @error_text: "" is success; only the flat form says it beside the body
 * @body: (transfer full): one JSON object, what the action's answer is
 *
 * Returns: (transfer full) (nullable): the answer; %NULL when there is nobody to send it to.
 */
ElvesPublication *
elves_request_answer (const ElvesRequest *self,
                      const ElvesMessageRules *rules,
                      const char *error_text,
                      GString *body)
{
  gboolean is_flat = self->head.generation == ELVES_GENERATION_FLAT;
  GString *out;
  if (!self->head.reply.routing_key)
    {
      g_string_free (body, TRUE);
      return NULL;
    }
  out = g_string_sized_new (body->len + 128);
  elves_json_open (out, NULL);
  if (is_flat)
    write_flat_head (self, out, error_text);
  else
    write_head (self, out);
  elves_json_add_json (out, is_flat ? "data" : "mqbody", body->str, body->len);
  elves_json_close (out);
  g_string_free (body, TRUE);
  return elves_message_reply (rules, self->head.generation, &self->head.reply, out);
}

/**
 * elves_request_error_body:
 * @error_text: "[code]text", as the interface has it
 * @detail: (nullable): what, where, why; a member of ours
 *
 * Returns: (transfer full): the body of a refusal.
 */
GString *
elves_request_error_body (const char *error_text, const char *detail)
{
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "false");
  elves_json_add_text (body, "error", error_text);
  if (detail)
    {
      g_autofree char *clean = elves_utf8_clean (detail, strlen (detail), DETAIL_LIMIT_BYTES, NULL);
      elves_json_add_text (body, "detail", clean);
    }
  elves_json_close (body);
  return body;
}
