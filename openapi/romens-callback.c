/* A body that is JSON goes as application/json, or as the type that was asked for; any other text
 * as text/plain. GET and DELETE have no body: the members of an object become parameters of the
 * URL, anything else one of the name "params". */
#include "openapi/romens-callback.h"

#include <string.h>

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain;charset=UTF-8"
#define DEFAULT_METHOD "POST"

enum
{
  URL_LIMIT_BYTES = 8192,
  TYPE_LIMIT_BYTES = 255
};

static const ElvesRomensName url_name = { "callbackUrl", NULL, "url" };
static const ElvesRomensName method_name = { "callbackMethod", NULL, "method" };
static const ElvesRomensName params_name = { "callbackParams", NULL, "params" };
static const ElvesRomensName type_name = { "callbackContentType", NULL, "contentType" };
static const ElvesRomensName async_name = { "callbackAsync", NULL, "async" };

gboolean
elves_romens_callback_is_bodiless (const ElvesRomensCallback *self)
{
  return strcmp (self->method, "GET") == 0 || strcmp (self->method, "DELETE") == 0;
}

/* ---- what is asked for ---- */

static void
read_url (ElvesRomensCallback *self, ElvesRomensMembers *members)
{
  g_autoptr (GUri) uri = NULL;
  const char *scheme, *host;

  self->url = g_strstrip (elves_romens_text (members, url_name));
  uri = g_uri_parse (self->url, G_URI_FLAGS_ENCODED, NULL);
  scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  host = uri != NULL ? g_uri_get_host (uri) : NULL;
  if ((strcmp (scheme, "http") != 0 && strcmp (scheme, "https") != 0) || host == NULL ||
      *host == '\0')
    elves_romens_blame (members, url_name.wire, "expected http://HOST... or https://HOST...");
}

static void
read_method (ElvesRomensCallback *self, ElvesRomensMembers *members)
{
  static const char *const methods[] = { "GET", "POST", "PATCH", "DELETE", NULL };
  g_autofree char *text = g_strstrip (elves_romens_text (members, method_name));

  self->method = *text == '\0' ? g_strdup (DEFAULT_METHOD) : g_ascii_strup (text, -1);
  if (!g_strv_contains (methods, self->method))
    elves_romens_blame (members, method_name.wire, "expected GET, POST, PATCH or DELETE");
}

/* Any value: an object is kept as the text that it was sent as. */
static void
read_params (ElvesRomensCallback *self, ElvesRomensMembers *members)
{
  self->params = elves_json_value_to_text (elves_romens_get (members, params_name));
}

/* It becomes a line of HTTP. */
static gboolean
is_header_text (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isprint (*text))
      return FALSE;
  return TRUE;
}

static void
read_content_type (ElvesRomensCallback *self, ElvesRomensMembers *members)
{
  self->content_type = g_strstrip (elves_romens_text (members, type_name));
  if (strlen (self->content_type) > TYPE_LIMIT_BYTES || !is_header_text (self->content_type))
    elves_romens_blame (members, type_name.wire, "expected a type such as application/json");
  if (*self->content_type != '\0')
    return;
  g_free (self->content_type);
  self->content_type = g_strdup (JSON_TYPE);
}

/* ---- the request that it becomes ---- */

/* The value that @text is, if it is JSON. @wrapped: what it points into. */
static gboolean
parse_json (const char *text, char **wrapped, ElvesJsonObject **object, ElvesJsonValue *out_value)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  gsize quotes;

  *wrapped = g_strdup_printf ("{\"v\":%s}", trimmed);
  *object = elves_json_object_parse (*wrapped, strlen (*wrapped), NULL);
  if (*object == NULL)
    return FALSE;
  *out_value = elves_json_object_get (*object, "v");
  quotes = out_value->kind == ELVES_JSON_STRING ? 2 : 0;
  return out_value->length + quotes == strlen (trimmed);
}

static void
add_parameter (GString *target, const char *name, const char *value)
{
  g_autofree char *safe_name = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *safe_value = g_uri_escape_string (value, NULL, FALSE);

  g_string_append_c (target, strchr (target->str, '?') == NULL ? '?' : '&');
  g_string_append_printf (target, "%s=%s", safe_name, safe_value);
}

static gboolean
add_members (GString *target, ElvesJsonValue value)
{
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (value.text, value.length, NULL);
  ElvesJsonValue name, member;
  guint position = 0;

  if (object == NULL)
    return FALSE; /* more members than are read */
  while (elves_json_object_next (object, &position, &name, &member))
    {
      g_autofree char *name_text = elves_json_value_to_text (name);
      g_autofree char *member_text = elves_json_value_to_text (member);
      add_parameter (target, name_text, member_text);
    }
  return TRUE;
}

/* A fragment is never sent. */
static GString *
target_of (const char *url)
{
  return g_string_new_len (url, (gssize) strcspn (url, "#"));
}

static void
put_into_target (ElvesRomensCallback *self, GString *target, const ElvesJsonValue *json)
{
  if (*self->params == '\0')
    return;
  if (json != NULL && json->kind == ELVES_JSON_OBJECT && add_members (target, *json))
    return;
  add_parameter (target, "params", self->params);
}

static const char *
body_type_of (const ElvesRomensCallback *self, gboolean is_json)
{
  gboolean asked_for_json =
      g_ascii_strncasecmp (self->content_type, JSON_TYPE, strlen (JSON_TYPE)) == 0;

  return is_json || !asked_for_json || *self->params == '\0' ? self->content_type : TEXT_TYPE;
}

static void
make_request (ElvesRomensCallback *self, ElvesRomensMembers *members)
{
  g_autofree char *wrapped = NULL;
  g_autoptr (ElvesJsonObject) object = NULL;
  GString *target = target_of (self->url);
  ElvesJsonValue json;
  gboolean is_json = parse_json (self->params, &wrapped, &object, &json);
  gboolean is_bodiless = elves_romens_callback_is_bodiless (self);

  if (is_bodiless)
    put_into_target (self, target, is_json ? &json : NULL);
  if (target->len > URL_LIMIT_BYTES)
    elves_romens_blame (members, url_name.wire, "with its parameters longer than 8192 bytes");
  self->target = g_string_free (target, FALSE);
  self->body = g_strdup (is_bodiless ? "" : self->params);
  self->body_type = g_strdup (is_bodiless ? JSON_TYPE : body_type_of (self, is_json));
}

/**
 * elves_romens_callback_read:
 * @self: all zero; clear it in any case
 * @members: of the request; gets the first fault
 */
void
elves_romens_callback_read (ElvesRomensCallback *self, ElvesRomensMembers *members)
{
  read_url (self, members);
  read_method (self, members);
  read_params (self, members);
  read_content_type (self, members);
  self->is_async = elves_romens_flag (members, async_name, 1) == 1;
  make_request (self, members);
}

void
elves_romens_callback_clear (ElvesRomensCallback *self)
{
  g_free (self->url);
  g_free (self->method);
  g_free (self->params);
  g_free (self->content_type);
  g_free (self->target);
  g_free (self->body);
  g_free (self->body_type);
}
