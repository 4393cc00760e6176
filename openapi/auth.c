/* One check, in order: the claim (signature.c), the key of its auth_id, the signature, whether it
 * is a replay, and in supervisor mode whether the auth_id may use the app and the ip that are asked
 * for. A token stands for claim and signature; what it may touch is checked all the same. */
#include "openapi/auth.h"

#include "common/json-writer.h"
#include "openapi/errors.h"
#include "openapi/replay.h"
#include "openapi/signature.h"

#include <string.h>

struct ElvesAuth
{
  const ElvesOpenapiConfig *config;
  ElvesCaller *caller;
  ElvesReplayMemory *replays; /* (nullable) auth.refuseReplay is false */
};

typedef struct
{
  ElvesAuth *auth;
  ElvesAuthRequest request;
  ElvesSignClaim claim;
  const char *auth_id;  /* of the claim, or of the token */
  const char *app, *ip; /* (nullable) what it is to be used for */
  ElvesAuthFunc func;
  gpointer user_data;
} Check;

static void
end (Check *check, const char *error_text)
{
  check->func (error_text == NULL ? check->auth_id : NULL, error_text, check->user_data);
  g_free (check);
}

/* The supervisor could not be asked, or said nothing usable. */
static void
end_by_failure (Check *check, const GError *error)
{
  g_autofree char *text = elves_api_failure_text (error);

  end (check, text);
}

static char *
text_of (const ElvesCallerAnswer *answer, const char *name)
{
  return elves_json_value_to_text (elves_json_object_get (answer->members, name));
}

static void
ask_supervisor (Check *check, const char *action, GString *body, ElvesCallerFunc func)
{
  ElvesCallerRequest request = { "supervisor", action, body, check->auth->config->call_timeout_ms };

  elves_caller_call (check->auth->caller, &request, func, check);
  g_string_free (body, TRUE);
}

/* ---- what it may touch ---- */

static void
on_permission (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Check *check = user_data;
  g_autofree char *result = NULL;

  if (answer == NULL)
    {
      end_by_failure (check, error);
      return;
    }
  result = text_of (answer, "result");
  end (check, strcmp (result, "true") == 0 ? NULL : ELVES_API_DENIED);
}

static void
check_permission (Check *check)
{
  const char *app = check->app, *ip = check->ip;
  GString *body;

  if (!elves_openapi_config_asks_supervisor (check->auth->config) || (app == NULL && ip == NULL))
    {
      end (check, NULL);
      return;
    }
  body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "auth_id", check->auth_id);
  if (app != NULL)
    elves_json_add_text (body, "app", app);
  if (ip != NULL)
    elves_json_add_text (body, "ip", ip);
  elves_json_close (body);
  ask_supervisor (check, "validateAuth", body, on_permission);
}

/* ---- the signature ---- */

static void
check_signature (Check *check, const char *key)
{
  ElvesAuth *self = check->auth;

  if (*key == '\0' ||
      !elves_sign_matches (&check->claim, check->request.path, check->request.parameters, key))
    end (check, ELVES_API_SIGN);
  else if (self->replays != NULL &&
           !elves_replay_memory_take (self->replays, check->claim.sign,
                                      g_get_monotonic_time () / G_USEC_PER_SEC))
    end (check, ELVES_API_REPLAYED);
  else
    check_permission (check);
}

static void
on_key (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Check *check = user_data;
  g_autofree char *flag = NULL, *text = NULL, *key = NULL;

  if (answer == NULL)
    {
      end_by_failure (check, error);
      return;
    }
  flag = text_of (answer, "flag");
  text = text_of (answer, "error");
  key = text_of (answer, "auth_key");
  if (strcmp (flag, "true") != 0)
    end (check, *text != '\0' ? text : ELVES_API_SIGN);
  else
    check_signature (check, key);
}

static void
ask_key (Check *check)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_text (body, "auth_id", check->auth_id);
  elves_json_close (body);
  ask_supervisor (check, "getAuthKey", body, on_key);
}

static void
check_claim (Check *check)
{
  const ElvesOpenapiConfig *config = check->auth->config;
  const char *error_text =
      elves_sign_read_claim (check->request.parameters, config->auth_md5,
                             g_get_real_time () / G_USEC_PER_SEC, &check->claim);

  if (error_text != NULL)
    {
      end (check, error_text);
      return;
    }
  check->auth_id = check->claim.auth_id;
  if (elves_openapi_config_asks_supervisor (config))
    ask_key (check);
  else if (config->auth_check_id && strcmp (check->auth_id, config->auth_id) != 0)
    end (check, ELVES_API_AUTH_ID);
  else
    check_signature (check, config->auth_key);
}

/* ---- tokens ---- */

/* Looks at all of them, so that the time says nothing about which is near. */
static const char *
id_of_token (const ElvesAuth *self, const char *token)
{
  const char *found = NULL;
  GHashTableIter iter;
  gpointer id, expected;

  if (self->config->auth_tokens == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, self->config->auth_tokens);
  while (g_hash_table_iter_next (&iter, &id, &expected))
    if (*(const char *) expected != '\0' && elves_sign_secrets_equal (expected, token))
      found = id;
  return found;
}

/**
 * elves_auth_check:
 * @request: who asks, and what for; its parts are valid until @func
 * @func: called once, perhaps from inside
 */
void
elves_auth_check (ElvesAuth *self,
                  const ElvesAuthRequest *request,
                  ElvesAuthFunc func,
                  gpointer user_data)
{
  Check *check = g_new0 (Check, 1);

  *check = (Check){ .auth = self, .request = *request, .func = func, .user_data = user_data };
  check->app = elves_parameters_get (request->parameters, "app");
  check->ip = elves_parameters_get (request->parameters, "ip");
  if (request->bearer == NULL)
    {
      check_claim (check);
      return;
    }
  check->auth_id = id_of_token (self, request->bearer);
  if (check->auth_id != NULL)
    check_permission (check);
  else
    end (check, ELVES_API_TOKEN);
}

/**
 * elves_auth_permit:
 * @auth_id: who was let in
 * @app: (nullable): of a job
 * @ip: (nullable): of a job
 * @func: called once, perhaps from inside
 */
void
elves_auth_permit (ElvesAuth *self,
                   const char *auth_id,
                   const char *app,
                   const char *ip,
                   ElvesAuthFunc func,
                   gpointer user_data)
{
  Check *check = g_new0 (Check, 1);

  *check = (Check){
    .auth = self, .auth_id = auth_id, .app = app, .ip = ip, .func = func, .user_data = user_data
  };
  check_permission (check);
}

/**
 * elves_auth_new:
 *
 * Returns: (transfer full): the gate
 */
ElvesAuth *
elves_auth_new (const ElvesOpenapiConfig *config, ElvesCaller *caller)
{
  ElvesAuth *self = g_new0 (ElvesAuth, 1);

  self->config = config;
  self->caller = caller;
  if (config->auth_refuse_replay)
    self->replays = elves_replay_memory_new (config->auth_replay_memory, 2 * ELVES_SIGN_WINDOW_S);
  return self;
}

/**
 * elves_auth_free:
 * @self: (nullable): the gate
 */
void
elves_auth_free (ElvesAuth *self)
{
  if (self == NULL)
    return;
  elves_replay_memory_free (self->replays);
  g_free (self);
}
