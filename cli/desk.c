/* Questions in the later form, `elvesctl.COMPONENT.ACTION`, one after the other. */
#include "cli/desk.h"

#include "cli/asker.h"
#include "cli/members.h"
#include "common/error.h"

#include <stdio.h>

enum
{
  PATIENCE_S = 30
};

struct ElvesCliDesk
{
  ElvesAsker *asker;
  const char *component;
};

/**
 * elves_cli_desk_open:
 * @context: where the broker is.
 * @component: a constant
 * @error: why it cannot be asked.
 *
 * Returns: (transfer full): a connection to ask it by.
 */
ElvesCliDesk *
elves_cli_desk_open (const ElvesCliContext *context, const char *component, GError **error)
{
  g_auto (ElvesCliSettings) settings = { 0 };
  g_autoptr (ElvesAsker) asker = NULL;
  ElvesCliDesk *self;

  if (!elves_cli_settings_load (&settings, context, error))
    return NULL;
  asker = elves_asker_new (&settings, NULL, error);
  if (asker == NULL)
    return NULL;
  self = g_new0 (ElvesCliDesk, 1);
  self->asker = g_steal_pointer (&asker);
  self->component = component;
  return self;
}

/**
 * elves_cli_desk_close:
 * @self: (nullable): a connection
 */
void
elves_cli_desk_close (ElvesCliDesk *self)
{
  if (self == NULL)
    return;
  elves_asker_free (self->asker);
  g_free (self);
}

/* Takes @body. */
static JsonNode *
make_message (const ElvesCliDesk *self, const char *action, JsonBuilder *body)
{
  g_autoptr (JsonBuilder) message = json_builder_new ();
  g_autoptr (JsonBuilder) taken = body;
  g_autofree char *key = g_strdup_printf ("elvesctl.%s.%s", self->component, action);

  json_builder_end_object (taken);
  json_builder_begin_object (message);
  elves_cli_body_add (message, "mqkey", key);
  elves_cli_body_add (message, "mqtype", "call");
  json_builder_set_member_name (message, "mqbody");
  json_builder_add_value (message, json_builder_get_root (taken));
  json_builder_end_object (message);
  return json_builder_get_root (message);
}

static JsonNode *
body_of (JsonNode *answer, GError **error)
{
  JsonObject *root = JSON_NODE_HOLDS_OBJECT (answer) ? json_node_get_object (answer) : NULL;

  if (elves_cli_object (root, "mqbody") != NULL)
    return json_node_copy (json_object_get_member (root, "mqbody"));
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "the answer has no mqbody");
  return NULL;
}

/**
 * elves_cli_desk_ask:
 * @self: a connection
 * @action: what is asked
 * @body: (transfer full): of elves_cli_body_new()
 * @error: why there is no answer.
 *
 * Returns: (transfer full): the mqbody of the answer, an object.
 */
JsonNode *
elves_cli_desk_ask (ElvesCliDesk *self, const char *action, JsonBuilder *body, GError **error)
{
  gint64 deadline_us = g_get_monotonic_time () + PATIENCE_S * (gint64) G_USEC_PER_SEC;
  g_autoptr (JsonNode) message = make_message (self, action, body);
  g_autoptr (JsonNode) answer = NULL;

  if (!elves_asker_publish (self->asker, message, error))
    return NULL;
  answer = elves_asker_wait (self->asker, deadline_us, error);
  if (answer != NULL)
    return body_of (answer, error);
  g_prefix_error (error, "elves-%s did not answer %s: ", self->component, action);
  return NULL;
}

/**
 * elves_cli_is_refused:
 * @answer: the mqbody of an answer
 *
 * Returns: whether it says no; then it has been printed to stderr, with the reason.
 */
gboolean
elves_cli_is_refused (JsonNode *answer)
{
  JsonObject *body = json_node_get_object (answer);
  const char *detail = elves_cli_text (body, "detail");

  if (!g_str_equal (elves_cli_text (body, "flag"), "false"))
    return FALSE;
  fprintf (stderr, "elvesctl: %s%s%s\n", elves_cli_text (body, "error"),
           *detail != '\0' ? ": " : "", detail);
  return TRUE;
}

/**
 * elves_cli_body_new:
 *
 * Returns: (transfer full): an open object.
 */
JsonBuilder *
elves_cli_body_new (void)
{
  JsonBuilder *body = json_builder_new ();

  json_builder_begin_object (body);
  return body;
}

/**
 * elves_cli_body_add:
 * @body: an open object
 * @name: of the member
 * @text: (nullable): its value; %NULL leaves it out
 */
void
elves_cli_body_add (JsonBuilder *body, const char *name, const char *text)
{
  if (text == NULL)
    return;
  json_builder_set_member_name (body, name);
  json_builder_add_string_value (body, text);
}

/**
 * elves_cli_body_add_number:
 * @body: an open object
 * @name: of the member
 * @number: its value
 */
void
elves_cli_body_add_number (JsonBuilder *body, const char *name, gint64 number)
{
  json_builder_set_member_name (body, name);
  json_builder_add_int_value (body, number);
}
