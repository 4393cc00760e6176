/* elvesctl cron add: a timed task; a job, an HTTP callback or a message. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

typedef struct
{
  char *rule, *dialect, *zone, *gap, *fold, *every, *at, *start, *end;
  char *overlap, *missed, *name, *mode, *proxy, *url, *method, *topic;
  int count, missed_cap, timeout_s;
  gboolean started, json;
  char **words; /* what stands behind the options; not owned */
} Add;

static void
add_clear (Add *self)
{
  char **texts[] = { &self->rule,   &self->dialect, &self->zone,  &self->gap,   &self->fold,
                     &self->every,  &self->at,      &self->start, &self->end,   &self->overlap,
                     &self->missed, &self->name,    &self->mode,  &self->proxy, &self->url,
                     &self->method, &self->topic };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (*texts[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Add, add_clear)

static const char summary[] =
    "Makes a timed task and prints its id. It fires when it has been started.\n\n"
    "Examples:\n"
    "  elvesctl cron add --rule '0 30 2 * * ?' --tz Europe/Berlin --started 10.0.0.7 backup run\n"
    "  elvesctl cron add --every 60 --url http://127.0.0.1:8080/tick '{\"n\":1}'\n"
    "  elvesctl cron add --at 2026-12-24T17:00:00Z --topic presents\n\n"
    "Exit status: 0, 2 bad usage, 3 refused, 4 no answer.";

#define TEXT(name, letter, field, help, value)                      \
  {                                                                 \
    name, letter, 0, G_OPTION_ARG_STRING, &self->field, help, value \
  }

static gboolean
parse_options (Add *self, int *argc, char ***argv, GError **error)
{
  GOptionEntry entries[] = {
    TEXT ("rule", 'r', rule, "When: a rule", "RULE"),
    TEXT ("every", 0, every, "When: so often", "SECONDS"),
    TEXT ("at", 0, at, "When: once", "TIME"),
    TEXT ("dialect", 'd', dialect, "How the rule is read (elvesctl cron next --help)", "DIALECT"),
    TEXT ("tz", 0, zone, "Time zone of the rule", "ZONE"),
    TEXT ("gap", 0, gap, "A local time that does not exist", "skip|first"),
    TEXT ("fold", 0, fold, "A local time that comes twice", "once|twice"),
    TEXT ("start", 0, start, "Not before", "TIME"),
    TEXT ("end", 0, end, "Not after", "TIME"),
    { "count", 0, 0, G_OPTION_ARG_INT, &self->count, "So many times", "N" },
    TEXT ("overlap", 0, overlap, "The one before still runs", "allow|skip|queue"),
    TEXT ("missed", 0, missed, "Instants missed while nothing ran", "skip|last|all"),
    { "missed-cap", 0, 0, G_OPTION_ARG_INT, &self->missed_cap, "At most so many of them", "N" },
    TEXT ("name", 0, name, "What people call it", "TEXT"),
    TEXT ("mode", 'm', mode, "P: the app's processor gets the result too", "MODE"),
    TEXT ("proxy", 'p', proxy, "The worker entry, e.g. 'bash|run.sh'", "PROXY"),
    { "timeout", 't', 0, G_OPTION_ARG_INT, &self->timeout_s, "Time limit of each run", "SECONDS" },
    TEXT ("url", 0, url, "Call this instead of running a job", "URL"),
    TEXT ("method", 0, method, "How, POST if not given", "METHOD"),
    TEXT ("topic", 0, topic, "Publish a message instead of running a job", "NAME"),
    { "started", 0, 0, G_OPTION_ARG_NONE, &self->started, "Start it at once", NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print the whole answer as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[IP APP FUNC] [PARAM]");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
parse_arguments (Add *self, int argc, char **argv, GError **error)
{
  gboolean is_job;
  int least;

  if (!parse_options (self, &argc, &argv, error))
    return FALSE;
  is_job = self->url == NULL && self->topic == NULL;
  least = is_job ? 4 : 1;
  self->words = argv + 1;
  if (argc == least || argc == least + 1)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               is_job ? "cron add needs IP APP FUNC and perhaps PARAM (elvesctl cron add --help)"
                      : "with --url or --topic, cron add takes nothing but PARAM");
  return FALSE;
}

static const char *
add_job (const Add *self, JsonBuilder *body)
{
  elves_cli_body_add (body, "ip", self->words[0]);
  elves_cli_body_add (body, "app", self->words[1]);
  elves_cli_body_add (body, "func", self->words[2]);
  elves_cli_body_add (body, "mode", self->mode != NULL ? self->mode : "NP");
  elves_cli_body_add (body, "proxy", self->proxy != NULL ? self->proxy : "");
  return self->words[3];
}

static JsonBuilder *
make_body (const Add *self)
{
  const struct
  {
    const char *name, *value;
  } texts[] = {
    { "rule", self->rule }, { "dialect", self->dialect }, { "tz", self->zone },
    { "gap", self->gap },   { "fold", self->fold },       { "every", self->every },
    { "at", self->at },     { "start", self->start },     { "end", self->end },
    { "name", self->name }, { "overlap", self->overlap }, { "missed", self->missed },
    { "url", self->url },   { "method", self->method },   { "topic", self->topic },
  };
  JsonBuilder *body = elves_cli_body_new ();
  gboolean is_job = self->url == NULL && self->topic == NULL;
  const char *param = is_job ? add_job (self, body) : self->words[0];

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    elves_cli_body_add (body, texts[i].name, texts[i].value);
  elves_cli_body_add (body, "param", param != NULL ? param : "");
  elves_cli_body_add (body, "started", self->started ? "true" : "false");
  if (self->count > 0)
    elves_cli_body_add_number (body, "count", self->count);
  if (self->missed_cap > 0)
    elves_cli_body_add_number (body, "missed_cap", self->missed_cap);
  if (self->timeout_s > 0)
    elves_cli_body_add_number (body, "timeout", self->timeout_s);
  return body;
}

/**
 * elves_cli_cron_add:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "add", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cron_add (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Add) self = { 0 };
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!parse_arguments (&self, argc, argv, error))
    return -1;
  desk = elves_cli_desk_open (context, "cron", error);
  if (desk == NULL)
    return -1;
  answer = elves_cli_desk_ask (desk, "createCron", make_body (&self), error);
  if (answer == NULL)
    return -1;
  if (self.json)
    elves_print_json (answer);
  if (elves_cli_is_refused (answer))
    return ELVES_EXIT_NOT_RUN;
  if (!self.json)
    puts (elves_cli_text (json_node_get_object (answer), "id"));
  return ELVES_EXIT_SUCCESS;
}
