/* elvesctl cron history and audit: what has been fired, and whether that was what was expected. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

enum
{
  HISTORY_DEFAULT = 50,
  PAGE = 500
};

typedef struct
{
  char *id, *from, *to;
  int count;
  gboolean json;
} Review;

static void
review_clear (Review *self)
{
  g_free (self->id);
  g_free (self->from);
  g_free (self->to);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Review, review_clear)

/* --- history --------------------------------------------------------------------------------- */

static gboolean
parse_history (Review *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "count", 'n', 0, G_OPTION_ARG_INT, &self->count, "At most so many, 50 if not given", "N" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print all of each as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("ID");

  g_option_context_set_summary (context, "Prints what a task has fired, the newest first.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 2 && self->count > 0)
    {
      self->id = g_strdup (argv[1]);
      return TRUE;
    }
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "cron history needs one ID, and -n a number from 1 on");
  return FALSE;
}

/* Moves the rows of a page. Returns where the next one begins: "" when there is none. */
static const char *
take_page (JsonObject *page, JsonArray *rows)
{
  JsonArray *result = elves_cli_array (page, "result");

  for (guint i = 0; result != NULL && i < json_array_get_length (result); i++)
    json_array_add_element (rows, json_node_copy (json_array_get_element (result, i)));
  return elves_cli_text (page, "next");
}

static int
read_history (const Review *self, ElvesCliDesk *desk, JsonArray *rows, GError **error)
{
  g_autofree char *before = g_strdup ("");

  do
    {
      int left = self->count - (int) json_array_get_length (rows);
      JsonBuilder *body = elves_cli_body_new ();
      g_autoptr (JsonNode) answer = NULL;

      elves_cli_body_add (body, "id", self->id);
      elves_cli_body_add (body, "before", before);
      elves_cli_body_add_number (body, "limit", MIN (left, PAGE));
      answer = elves_cli_desk_ask (desk, "cronHistory", body, error);
      if (answer == NULL)
        return -1;
      if (elves_cli_is_refused (answer))
        return ELVES_EXIT_NOT_RUN;
      g_free (before);
      before = g_strdup (take_page (json_node_get_object (answer), rows));
    }
  while (*before != '\0' && (int) json_array_get_length (rows) < self->count);
  return ELVES_EXIT_SUCCESS;
}

static void
print_execution (JsonObject *row)
{
  const char *error = elves_cli_text (row, "error");

  printf ("%-28s %-10s %-6s %-4" G_GINT64_FORMAT " %8" G_GINT64_FORMAT " %s\n",
          elves_cli_text (row, "planned"), elves_cli_text (row, "state"),
          elves_cli_text (row, "flag"), elves_cli_number (row, "worker_flag"),
          elves_cli_number (row, "worker_costtime"),
          *error != '\0' ? error : elves_cli_text (row, "worker_message"));
}

static void
print_executions (const Review *self, JsonArray *rows)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  json_node_set_array (node, rows);
  if (self->json)
    {
      elves_print_json (node);
      return;
    }
  if (json_array_get_length (rows) > 0)
    printf ("%-28s %-10s %-6s %-4s %8s %s\n", "PLANNED", "STATE", "FLAG", "WORK", "MS", "TEXT");
  for (guint i = 0; i < json_array_get_length (rows); i++)
    print_execution (json_array_get_object_element (rows, i));
}

/**
 * elves_cli_cron_history:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "history", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cron_history (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Review) self = { .count = HISTORY_DEFAULT };
  g_autoptr (JsonArray) rows = json_array_new ();
  g_autoptr (ElvesCliDesk) desk = NULL;
  int status;

  if (!parse_history (&self, argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "cron", error)) == NULL)
    return -1;
  status = read_history (&self, desk, rows, error);
  if (status == ELVES_EXIT_SUCCESS)
    print_executions (&self, rows);
  return status;
}

/* --- audit ----------------------------------------------------------------------------------- */

static const char *const counts[] = { "schedules",  "expected", "fired",  "late",
                                      "overlapped", "missed",   "paused", "unsent",
                                      "unplanned",  "lost",     "doubled" };

/* Nothing was decided for an instant, or something for none: that must not be. */
static const char *const faults[] = { "unplanned", "lost" };

static gboolean
parse_audit (Review *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &self->id, "Only this task", "ID" },
    { "from", 0, 0, G_OPTION_ARG_STRING, &self->from, "Instants from here on", "TIME" },
    { "to", 0, 0, G_OPTION_ARG_STRING, &self->to, "Instants before", "TIME" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print each part of the answer as JSON",
      NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (
      context, "Compares what should have been fired with what was.\n\n"
               "Exit status: 0 nothing is missing, 1 instants are lost, or not planned.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 1)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "cron audit takes no argument");
  return FALSE;
}

static JsonBuilder *
audit_body (const Review *self, const char *after)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "id", self->id);
  elves_cli_body_add (body, "from", self->from);
  elves_cli_body_add (body, "to", self->to);
  elves_cli_body_add (body, "after", after);
  return body;
}

static void
print_findings (JsonObject *report)
{
  JsonArray *findings = elves_cli_array (report, "findings");

  for (guint i = 0; findings != NULL && i < json_array_get_length (findings); i++)
    {
      JsonObject *finding = json_array_get_object_element (findings, i);

      printf ("%-10s %-16s %-28s %" G_GINT64_FORMAT " us\n", elves_cli_text (finding, "kind"),
              elves_cli_text (finding, "id"), elves_cli_text (finding, "planned"),
              elves_cli_number (finding, "by_us"));
    }
}

static void
add_counts (gint64 sums[], JsonObject *report)
{
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    if (g_str_equal (counts[i], "doubled"))
      sums[i] = elves_cli_number (report, counts[i]); /* of all tasks, whichever were audited */
    else
      sums[i] += elves_cli_number (report, counts[i]);
}

static int
finish_audit (const Review *self, const gint64 sums[])
{
  gint64 bad = 0;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      if (!self->json)
        printf ("%-12s %" G_GINT64_FORMAT "\n", counts[i], sums[i]);
      for (guint j = 0; j < G_N_ELEMENTS (faults); j++)
        bad += g_str_equal (counts[i], faults[j]) ? sums[i] : 0;
    }
  return bad == 0 ? ELVES_EXIT_SUCCESS : ELVES_EXIT_WORKER_SAID_NO;
}

/* The component audits so many tasks at a time, and says where to go on. */
static int
audit (const Review *self, ElvesCliDesk *desk, GError **error)
{
  g_autofree char *after = NULL;
  gint64 sums[G_N_ELEMENTS (counts)] = { 0 };

  do
    {
      g_autoptr (JsonNode) answer =
          elves_cli_desk_ask (desk, "cronAudit", audit_body (self, after), error);
      JsonObject *report;

      if (answer == NULL)
        return -1;
      if (self->json)
        elves_print_json (answer);
      if (elves_cli_is_refused (answer))
        return ELVES_EXIT_NOT_RUN;
      report = elves_cli_object (json_node_get_object (answer), "result");
      add_counts (sums, report);
      if (!self->json)
        print_findings (report);
      g_free (after);
      after = g_strdup (elves_cli_text (report, "next"));
    }
  while (*after != '\0');
  return finish_audit (self, sums);
}

/**
 * elves_cli_cron_audit:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "audit", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cron_audit (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Review) self = { 0 };
  g_autoptr (ElvesCliDesk) desk = NULL;

  if (!parse_audit (&self, argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "cron", error)) == NULL)
    return -1;
  return audit (&self, desk, error);
}
