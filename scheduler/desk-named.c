/* cancelJob and readOutput: the agent is asked, what it says is passed on.
 *
 * A job that has not got through to its agent is not known there: while it is in flight here, the
 * agent is asked again, for two seconds; one that waits to be sent once more is ended here. */
#include "scheduler/desk-private.h"

#include "common/error.h"
#include "common/names.h"

#include <string.h>

enum
{
  TEXT_BYTES = 255,
  OUTPUT_BYTES = 64 * 1024,
  AGAIN_MS = 100,
  MAX_TRIES = 20
};

static const gint64 max_offset = G_GINT64_CONSTANT (1)
                                 << 53; /* JSON numbers are exact until there */

/* --- the question ---------------------------------------------------------------------------- */

static gboolean
read_text (const ElvesRequest *request, const char *name, char **field, GError **error)
{
  g_autofree char *text = NULL;

  if (!elves_request_text (request, name, &text, error))
    return FALSE;
  if (strlen (text) > TEXT_BYTES)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: longer than %d bytes", name,
                   TEXT_BYTES);
      return FALSE;
    }
  elves_instruct_set (field, text);
  return TRUE;
}

static gboolean
read_execution (ElvesVisit *visit, GError **error)
{
  g_autofree char *execution = NULL;

  if (!elves_request_text (visit->request, "execution", &execution, error))
    return FALSE;
  if (*execution != '\0')
    visit->question->execution = g_steal_pointer (&execution);
  return TRUE;
}

/* FALSE: refused, and the visit is over. */
static gboolean
read_question (ElvesVisit *visit)
{
  ElvesInstruct *question = visit->question = elves_instruct_new ();
  g_autoptr (GError) error = NULL;

  if (!read_text (visit->request, "ip", &question->ip, &error) ||
      !read_text (visit->request, "id", &question->id, &error) ||
      !read_text (visit->request, "type", &question->type, &error) ||
      !read_execution (visit, &error))
    elves_visit_refuse (visit, ELVES_DESK_PARAM, error->message);
  else if (*question->ip == '\0')
    elves_visit_refuse (visit, ELVES_DESK_IP, NULL);
  else if (*question->id == '\0' && question->execution == NULL)
    elves_visit_refuse (visit, ELVES_DESK_PARAM, "id, or execution: one of them must be given");
  else
    return TRUE;
  return FALSE;
}

/* --- jobs in flight here --------------------------------------------------------------------- */

typedef struct
{
  const ElvesInstruct *question;
  GPtrArray *flights; /* of ElvesFlight */
} Search;

static void
add_if_named (ElvesFlight *flight, gpointer user_data)
{
  Search *search = user_data;
  const ElvesInstruct *job = flight->job->instruct;

  if (flight->state < ELVES_FLIGHT_HOLDING && g_str_equal (job->ip, search->question->ip) &&
      elves_instruct_names (search->question, job))
    g_ptr_array_add (search->flights, elves_flight_ref (flight));
}

/* (transfer full): those that have no outcome yet. */
static GPtrArray *
find_flights (const ElvesVisit *visit)
{
  Search search = { visit->question,
                    g_ptr_array_new_with_free_func ((GDestroyNotify) elves_flight_unref) };

  elves_job_table_foreach (visit->desk->parts.jobs, add_if_named, &search);
  return search.flights;
}

static gboolean
is_in_flight (const ElvesVisit *visit)
{
  g_autoptr (GPtrArray) flights = find_flights (visit);

  return flights->len > 0;
}

/* TRUE: each that is meant was here only, and has ended. */
static gboolean
cancel_here (const ElvesVisit *visit)
{
  g_autoptr (GPtrArray) flights = find_flights (visit);
  guint cancelled = 0;

  for (guint i = 0; i < flights->len; i++)
    cancelled += elves_keeper_cancel (visit->desk->parts.keeper, flights->pdata[i]) ? 1 : 0;
  return cancelled > 0 && cancelled == flights->len;
}

/* --- the agent ------------------------------------------------------------------------------- */

/* FALSE: refused, and the visit is over. */
static gboolean
find_agent (ElvesVisit *visit, const char *feature, ElvesErrand *errand)
{
  const ElvesDeskParts *parts = &visit->desk->parts;
  const char *ip = visit->question->ip;
  const ElvesAgentRecord *agent = elves_agent_table_lookup (parts->agents, ip);
  g_autofree char *detail = NULL;

  errand->host = agent != NULL ? agent->host : ip;
  errand->port = agent != NULL ? agent->port : parts->agent_port;
  errand->question = visit->question;
  if (agent != NULL ? elves_agent_record_has (agent, feature) : parts->dial_unregistered)
    return TRUE;
  if (agent != NULL)
    {
      elves_visit_refuse (visit, ELVES_ERROR_TEXT_UNSUPPORTED, NULL);
      return FALSE;
    }
  detail = g_strdup_printf ("no agent is registered as \"%s\"", ip);
  elves_visit_refuse (visit, ELVES_ERROR_TEXT_SYNC, detail);
  return FALSE;
}

/* TRUE: there is no answer, and the visit is over. */
static gboolean
has_failed (ElvesVisit *visit, const ElvesErrandEnd *end)
{
  if (end->is_unknown)
    elves_visit_refuse (visit, ELVES_ERROR_TEXT_UNSUPPORTED, NULL);
  else if (end->problem != NULL)
    elves_visit_refuse (visit, ELVES_ERROR_TEXT_SYNC, end->problem);
  return end->is_unknown || end->problem != NULL;
}

/* --- cancelJob ------------------------------------------------------------------------------- */

static void try_to_cancel (ElvesVisit *visit);

static void
answer_state (ElvesVisit *visit, const char *state)
{
  GString *body = elves_visit_begin_answer ();

  elves_json_open (body, "result");
  elves_json_add_text (body, "state", state);
  elves_json_close (body);
  elves_json_close (body);
  elves_visit_answer (visit, body);
}

static void
on_again_due (ElvesDeadline *deadline, gpointer user_data)
{
  try_to_cancel (user_data);
}

static void
try_later (ElvesVisit *visit)
{
  visit->tries++;
  elves_deadlines_arm (visit->desk->parts.deadlines, &visit->timer,
                       g_get_monotonic_time () + AGAIN_MS * 1000, on_again_due, visit);
}

/* (nullable): the agent says what is none. */
static const char *
state_of (const ElvesReinstruct *answer)
{
  static const char *const states[] = { "cancelled", "cancelling", "finished", "not-found" };
  gsize length = 0;
  const char *text = answer->result != NULL ? g_bytes_get_data (answer->result, &length) : "";

  for (gsize i = 0; answer->flag == 1 && i < G_N_ELEMENTS (states); i++)
    if (length == strlen (states[i]) && memcmp (text, states[i], length) == 0)
      return states[i];
  return NULL;
}

static void
on_cancel_answered (const ElvesErrandEnd *end, gpointer user_data)
{
  ElvesVisit *visit = user_data;
  const char *state;

  if (has_failed (visit, end))
    return;
  state = state_of (end->answer);
  if (state == NULL)
    elves_visit_refuse (visit, ELVES_ERROR_TEXT_SYNC, "the agent could not look for the job");
  else if (g_str_equal (state, "not-found") && visit->tries < MAX_TRIES && is_in_flight (visit))
    try_later (visit);
  else
    answer_state (visit, state);
}

static void
try_to_cancel (ElvesVisit *visit)
{
  ElvesErrand errand = { .method = ELVES_RPC_CANCEL };

  if (cancel_here (visit))
    answer_state (visit, "cancelled");
  else if (find_agent (visit, ELVES_FEATURE_CANCEL, &errand))
    elves_errands_run (visit->desk->parts.errands, &errand, on_cancel_answered, visit);
}

void
elves_desk_cancel_job (ElvesVisit *visit)
{
  if (read_question (visit))
    try_to_cancel (visit);
}

/* --- readOutput ------------------------------------------------------------------------------ */

static void
answer_chunk (ElvesVisit *visit, const ElvesOutputChunk *chunk, gboolean ended)
{
  gsize length = 0;
  const guchar *data = chunk->data != NULL ? g_bytes_get_data (chunk->data, &length) : NULL;
  g_autofree char *base64 = length > 0 ? g_base64_encode (data, length) : g_strdup ("");
  GString *body = elves_visit_begin_answer ();

  elves_json_open (body, "result");
  elves_json_add_text (body, "data", base64);
  elves_json_add_number (body, "offset", visit->offset);
  elves_json_add_number (body, "next", visit->offset + (gint64) length);
  elves_json_add_text (body, "ended", ended ? "true" : "false");
  elves_json_add_number (body, "total", MAX (chunk->total, 0));
  elves_json_close (body);
  elves_json_close (body);
  elves_visit_answer (visit, body);
}

/* A job that the agent does not know may be on its way there. */
static void
on_output_answered (const ElvesErrandEnd *end, gpointer user_data)
{
  ElvesVisit *visit = user_data;
  const ElvesOutputChunk *chunk = end->chunk;

  if (has_failed (visit, end))
    return;
  answer_chunk (visit, chunk, chunk->ended && (chunk->total > 0 || !is_in_flight (visit)));
}

void
elves_desk_read_output (ElvesVisit *visit)
{
  ElvesErrand errand = { .method = ELVES_RPC_READ_OUTPUT };
  g_autoptr (GError) error = NULL;
  gint64 limit;

  if (!read_question (visit))
    return;
  if (!elves_request_number (visit->request, "offset", FALSE, 0, max_offset, 0, &visit->offset,
                             &error) ||
      !elves_request_number (visit->request, "limit", FALSE, 1, OUTPUT_BYTES, OUTPUT_BYTES, &limit,
                             &error))
    {
      elves_visit_refuse (visit, ELVES_DESK_PARAM, error->message);
      return;
    }
  errand.offset = visit->offset;
  errand.limit = (gint32) limit;
  if (find_agent (visit, ELVES_FEATURE_OUTPUT, &errand))
    elves_errands_run (visit->desk->parts.errands, &errand, on_output_answered, visit);
}
