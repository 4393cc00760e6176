/* The action "agents": who is registered, as the scheduler knows it now.
 *
 * From the table in memory, by ip: a page of those that match. Nothing is asked of ZooKeeper. */
#include "scheduler/desk-private.h"

#include "common/selector.h"

enum
{
  DEFAULT_SIZE = 100,
  MAX_SIZE = 1000,
  MAX_PAGE = 1000000,
  APPS_BYTES = 4 * 1024 * 1024 /* of an answer: from then on apps are left out */
};

typedef struct
{
  char *ip; /* "": any */
  ElvesSelector *selector;
  gint64 page, size;
} Question;

static void
question_clear (Question *self)
{
  g_free (self->ip);
  elves_selector_free (self->selector);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Question, question_clear)

static gboolean
read_question (const ElvesRequest *request, Question *question, GError **error)
{
  g_autofree char *selector = NULL;

  if (!elves_request_text (request, "ip", &question->ip, error) ||
      !elves_request_text (request, "selector", &selector, error) ||
      !elves_request_number (request, "page", FALSE, 1, MAX_PAGE, 1, &question->page, error) ||
      !elves_request_number (request, "size", FALSE, 1, MAX_SIZE, DEFAULT_SIZE, &question->size,
                             error))
    return FALSE;
  question->selector = elves_selector_parse (selector, error);
  g_prefix_error (error, question->selector == NULL ? "selector: " : "");
  return question->selector != NULL;
}

static gboolean
matches (const Question *question, const ElvesAgentRecord *agent)
{
  return (*question->ip == '\0' || g_str_equal (question->ip, agent->ip)) &&
         elves_selector_matches (question->selector, elves_agent_record_get, agent);
}

/* Returns: how many match; those of the page are written. */
static gint64
write_page (ElvesAgentTable *table, const Question *question, GString *body)
{
  const GPtrArray *agents = elves_agent_table_sorted (table);
  gint64 first = (question->page - 1) * question->size, total = 0;

  for (guint i = 0; i < agents->len; i++)
    if (matches (question, agents->pdata[i]))
      {
        if (total >= first && total < first + question->size)
          elves_agent_record_write (agents->pdata[i], body, body->len < APPS_BYTES);
        total++;
      }
  return total;
}

void
elves_desk_agents (ElvesVisit *visit)
{
  g_auto (Question) question = { 0 };
  g_autoptr (GError) error = NULL;
  GString *body;
  gint64 total;

  if (!read_question (visit->request, &question, &error))
    {
      elves_visit_refuse (visit, ELVES_DESK_PARAM, error->message);
      return;
    }

  body = elves_visit_begin_answer ();
  elves_json_open_array (body, "result");
  total = write_page (visit->desk->parts.agents, &question, body);
  elves_json_close_array (body);
  elves_json_add_number (body, "total", total);
  elves_json_close (body);
  elves_visit_answer (visit, body);
}
