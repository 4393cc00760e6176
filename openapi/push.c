#include "openapi/push.h"

#include "common/json-reader.h"
#include "common/json-writer.h"
#include "openapi/form-body.h"

#include <string.h>

#define DEFAULT_ALERT "📧 ✉ You have a new message"
#define DEFAULT_SOUND "ping.aiff"
#define DEFAULT_BADGE 1

static const char *
text_of (const ElvesParameters *parameters, const char *name, const char *fallback)
{
  if (elves_parameters_is_blank (parameters, name))
    return fallback;
  return elves_parameters_get (parameters, name);
}

/* The original ran it as a program. It is JSON, or a text. */
static char *
payload_of (const ElvesParameters *parameters)
{
  g_autoptr (GString) payload = g_string_new (NULL);
  const char *text = text_of (parameters, "payload", NULL);
  ElvesJsonValue value;

  if (text == NULL && !elves_form_to_json (parameters, "payload", payload))
    g_string_append (payload, "{}");
  else if (text != NULL && elves_json_parse_any (text, strlen (text), &value))
    g_string_append (payload, text);
  else if (text != NULL)
    elves_json_add_text (payload, NULL, text);
  return g_string_free (g_steal_pointer (&payload), FALSE);
}

/**
 * elves_push_read:
 * @self: (out): clear it in any case
 * @parameters: must outlive it
 *
 * Returns: whether it names a device
 */
gboolean
elves_push_read (ElvesPush *self, const ElvesParameters *parameters)
{
  const char *badge = text_of (parameters, "badge", "");

  self->token = text_of (parameters, "token", "");
  self->alert = text_of (parameters, "alert", DEFAULT_ALERT);
  self->payload = payload_of (parameters);
  self->sound = text_of (parameters, "sound", DEFAULT_SOUND);
  self->expiry = text_of (parameters, "expiry", "");
  if (!g_ascii_string_to_signed (badge, 10, 0, G_MAXINT32, &self->badge, NULL))
    self->badge = DEFAULT_BADGE;
  return *self->token != '\0';
}

void
elves_push_clear (ElvesPush *self)
{
  g_clear_pointer (&self->payload, g_free);
}

/**
 * elves_push_write:
 * @out: gets the object
 * @name: (nullable): of the member that it is
 */
void
elves_push_write (const ElvesPush *self, GString *out, const char *name)
{
  elves_json_open (out, name);
  elves_json_add_text (out, "token", self->token);
  elves_json_add_text (out, "alert", self->alert);
  elves_json_add_json (out, "payload", self->payload, strlen (self->payload));
  elves_json_add_number (out, "badge", self->badge);
  elves_json_add_text (out, "sound", self->sound);
  if (*self->expiry != '\0')
    elves_json_add_text (out, "expiry", self->expiry);
  elves_json_close (out);
}
