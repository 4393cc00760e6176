/* Reads and writes the lines of elves-worker(7).
 *
 *   worker   {"elves":1,"concurrency":1}                          once, when it is ready
 *   agent    {"call":7,"func":"greet","param":"BASE64",...}       a call
 *   worker   {"call":7,"flag":true,"result":"text"}               its answer; or "result64"
 *
 * The parameter is base64, as in the arguments of a per-call worker: it may be of any bytes, and
 * the first three members can be taken apart by a shell. Members that are not known are passed
 * over. */
#include "agent/warm-line.h"

#include "common/error.h"
#include "common/json-reader.h"
#include "common/json-writer.h"

#include <string.h>

#define MAX_CONCURRENCY 100000

static gboolean
fail (GError **error, const char *what)
{
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, what);
  return FALSE;
}

static gboolean
read_number (ElvesJsonValue value, guint64 least, guint64 most, guint64 *out_number)
{
  if (value.kind != ELVES_JSON_NUMBER)
    return FALSE;
  g_autofree char *text = elves_json_value_to_text (value);
  return g_ascii_string_to_unsigned (text, 10, least, most, out_number, NULL);
}

static gboolean
parse_hello (const ElvesJsonObject *object, ElvesWarmLine *line, GError **error)
{
  guint64 version, concurrency = 1;
  ElvesJsonValue wanted = elves_json_object_get (object, "concurrency");
  if (!read_number (elves_json_object_get (object, "elves"), 0, G_MAXINT, &version) ||
      version != ELVES_WARM_PROTOCOL)
    return fail (error, "it speaks another version of the protocol");
  if (wanted.kind != ELVES_JSON_ABSENT && !read_number (wanted, 1, MAX_CONCURRENCY, &concurrency))
    return fail (error, "concurrency is no number above 0");
  line->is_hello = TRUE;
  line->concurrency = concurrency;
  return TRUE;
}

/* NULL: it has none, or one that is no base64 */
static GBytes *
parse_result (const ElvesJsonObject *object)
{
  ElvesJsonValue plain = elves_json_object_get (object, "result");
  ElvesJsonValue coded = elves_json_object_get (object, "result64");
  if (plain.kind == ELVES_JSON_STRING && coded.kind == ELVES_JSON_ABSENT)
    {
      char *text = elves_json_value_to_text (plain);
      return g_bytes_new_take (text, strlen (text));
    }
  if (coded.kind != ELVES_JSON_STRING || plain.kind != ELVES_JSON_ABSENT)
    return NULL;
  g_autofree char *text = elves_json_value_to_text (coded);
  gsize length = 0;
  guchar *bytes = g_base64_decode (text, &length);
  return g_bytes_new_take (bytes, length);
}

static gboolean
parse_answer (const ElvesJsonObject *object, ElvesWarmLine *line, GError **error)
{
  if (!read_number (elves_json_object_get (object, "call"), 1, G_MAXUINT64, &line->call))
    return fail (error, "an answer needs call, the number of a call");
  ElvesJsonValue flag = elves_json_object_get (object, "flag");
  if (flag.kind != ELVES_JSON_BOOLEAN)
    return fail (error, "an answer needs flag, true or false");
  line->flag = flag.text[0] == 't';
  line->result = parse_result (object);
  return line->result != NULL || fail (error, "an answer needs result or result64, a text");
}

/**
 * elves_warm_line_parse:
 * @text: a line, without its end
 * @length: of it
 * @out_line: to be cleared with elves_warm_line_clear()
 *
 * Errors: %ELVES_ERROR_PROTOCOL or %ELVES_ERROR_INVALID: it is no line of the protocol.
 */
gboolean
elves_warm_line_parse (const char *text, gsize length, ElvesWarmLine *out_line, GError **error)
{
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, length, error);
  g_auto (ElvesWarmLine) line = { 0 };
  if (object == NULL)
    return FALSE;
  gboolean is_hello = elves_json_object_get (object, "elves").kind != ELVES_JSON_ABSENT;
  if (!(is_hello ? parse_hello (object, &line, error) : parse_answer (object, &line, error)))
    return FALSE;
  *out_line = line;
  line.result = NULL;
  return TRUE;
}

/**
 * elves_warm_line_clear:
 * @self: a line, or one of zeros
 */
void
elves_warm_line_clear (ElvesWarmLine *self)
{
  g_clear_pointer (&self->result, g_bytes_unref);
}

/**
 * elves_warm_line_append_call:
 * @out: what is to be written to the worker
 * @call: its number
 * @instruct: the job
 * @timeout_s: effective, in seconds; 0: none
 */
void
elves_warm_line_append_call (GByteArray *out,
                             guint64 call,
                             const ElvesInstruct *instruct,
                             guint timeout_s)
{
  gsize length;
  const guint8 *param = g_bytes_get_data (instruct->param, &length);
  g_autofree char *coded = length > 0 ? g_base64_encode (param, length) : NULL;
  g_autoptr (GString) line = g_string_sized_new (256 + length / 3 * 4);
  elves_json_open (line, NULL);
  elves_json_add_number (line, "call", call);
  elves_json_add_text (line, "func", instruct->func);
  elves_json_add_text (line, "param", coded);
  elves_json_add_text (line, "id", instruct->id);
  elves_json_add_text (line, "type", instruct->type);
  elves_json_add_text (line, "execution", instruct->execution);
  elves_json_add_number (line, "timeout", timeout_s);
  elves_json_close (line);
  g_string_append_c (line, '\n');
  g_byte_array_append (out, (const guint8 *) line->str, line->len);
}
