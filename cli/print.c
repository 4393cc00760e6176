/* Replies and results as a person wants to read them: the function's own text on stdout, everything
 * else on stderr, so that a script can take the text. */
#include "cli/print.h"

#include "cli/members.h"

#include <stdio.h>
#include <string.h>

static JsonObject *
root_of (JsonNode *message)
{
  return JSON_NODE_HOLDS_OBJECT (message) ? json_node_get_object (message) : NULL;
}

/**
 * elves_print_json:
 * @node: printed to stdout, indented, with a newline.
 */
void
elves_print_json (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, TRUE);

  puts (text);
}

/* What an answer of any generation comes to. */
typedef struct
{
  ElvesExit status;
  gboolean handed_over; /* an agent has it, or had it */
  const char *text;     /* the function's own */
  const char *error;    /* "" or the scheduler's text */
  JsonObject *cause;    /* (nullable) where reason and detail stand */
} Answer;

/* @place: where the worker's flag stands; a reason there means that it could not be run or known.
 */
static ElvesExit
status_of_worker (gint64 flag, JsonObject *place)
{
  if (flag == 1)
    return ELVES_EXIT_SUCCESS;
  return flag < 0 || *elves_cli_text (place, "reason") != '\0' ? ELVES_EXIT_NOT_RUN
                                                               : ELVES_EXIT_WORKER_SAID_NO;
}

static Answer
not_handed_over (const char *error, JsonObject *cause)
{
  return (Answer){ .status = ELVES_EXIT_NOT_RUN, .text = "", .error = error, .cause = cause };
}

static Answer
read_flat (JsonObject *reply)
{
  JsonObject *data = elves_cli_object (reply, "data");
  gint64 result_flag = elves_cli_number (data, "result_flag");

  if (g_str_equal (elves_cli_text (reply, "mqflag"), "0"))
    return not_handed_over (elves_cli_text (reply, "mqerror"), data);
  return (Answer){
    .status = result_flag == 2 ? ELVES_EXIT_SUCCESS : status_of_worker (result_flag, data),
    .handed_over = TRUE,
    .text = elves_cli_text (data, "worker_message"),
    .error = "",
    .cause = data,
  };
}

static Answer
read_body (JsonObject *body)
{
  JsonObject *result = elves_cli_object (body, "result");

  if (!g_str_equal (elves_cli_text (body, "flag"), "true"))
    return not_handed_over (elves_cli_text (body, "error"), body);
  return (Answer){
    .status = status_of_worker (elves_cli_number (result, "worker_flag"), result),
    .handed_over = TRUE,
    .text = elves_cli_text (result, "worker_message"),
    .error = "",
    .cause = result,
  };
}

static Answer
read_answer (JsonNode *message)
{
  JsonObject *root = root_of (message);

  return elves_cli_object (root, "data") != NULL ? read_flat (root)
                                                 : read_body (elves_cli_object (root, "mqbody"));
}

static void
print_cause (const Answer *answer)
{
  const char *reason = elves_cli_text (answer->cause, "reason");
  const char *detail = elves_cli_text (answer->cause, "detail");
  g_autofree char *why = *reason != '\0' ? g_strdup_printf (" (%s)", reason) : g_strdup ("");

  fprintf (stderr, "elvesctl: %s%s%s%s\n",
           *answer->error != '\0' ? answer->error : "the function did not succeed", why,
           *detail != '\0' ? ": " : "", detail);
}

static void
print_text (const char *text)
{
  fputs (text, stdout);
  if (*text != '\0' && text[strlen (text) - 1] != '\n')
    fputc ('\n', stdout);
}

/**
 * elves_print_answer:
 * @message: a reply or a result, of any generation.
 * @as_json: the whole of it, instead of the function's text.
 *
 * Returns: the exit status it stands for.
 */
int
elves_print_answer (JsonNode *message, gboolean as_json)
{
  Answer answer = read_answer (message);

  if (as_json)
    elves_print_json (message);
  else
    print_text (answer.text);
  if (answer.status != ELVES_EXIT_SUCCESS)
    print_cause (&answer);
  return (int) answer.status;
}

/**
 * elves_answer_is_handed_over:
 * @message: a reply.
 *
 * Returns: whether an agent took the job.
 */
gboolean
elves_answer_is_handed_over (JsonNode *message)
{
  return read_answer (message).handed_over;
}

/**
 * elves_answer_is_result_of:
 * @message: what came to the reply queue.
 * @id: (nullable): a job's id; %NULL: any.
 *
 * Returns: whether it is the result cast of that job.
 */
gboolean
elves_answer_is_result_of (JsonNode *message, const char *id)
{
  JsonObject *root = root_of (message);
  JsonObject *result = elves_cli_object (elves_cli_object (root, "mqbody"), "result");

  if (!g_str_has_suffix (elves_cli_text (root, "mqkey"), "Result"))
    return FALSE;
  return id == NULL || g_str_equal (elves_cli_text (result, "id"), id);
}
