/* addTask wants its members as texts, as the original does (null and absent are [500] there, too);
 * what a scheduler would drop without a word is refused here instead: an empty ip or func, a mode
 * that is none. Extensions: on_failure of createQueue, depend_task_ids of addTask. */
#include "queue/order.h"

#include "common/error.h"

#include <string.h>

#define FAULT_IP "[403.1]Request Params (ip) Illegal"
#define FAULT_APP "[403.3]Request Params (app) Illegal"
#define FAULT_MODE "[403.4]Request Params (mode) Illegal"
#define FAULT_FUNC "[403.7]Request Params (func) Illegal"
#define FAULT_TIMEOUT "[403.8]Request Params (timeout) Illegal"
#define FAULT_OTHER "[500]Request Params Illegal"

#define MAX_TIMEOUT_S 2147483 /* as the scheduler takes it */
#define MAX_NEEDS 1000        /* of one task */
#define MAX_PAGE 10000

void
elves_refusal_clear (ElvesRefusal *self)
{
  g_clear_pointer (&self->detail, g_free);
  self->error_text = NULL;
}

/* Returns FALSE. */
static gboolean
refuse (ElvesRefusal *refusal, const char *error_text, const char *member, const char *expected)
{
  elves_refusal_clear (refusal);
  refusal->error_text = error_text;
  refusal->detail = g_strdup_printf ("%s: expected %s", member, expected);
  return FALSE;
}

/* ---- members -------------------------------------------------------------------------------- */

/* (transfer full); NULL: refused. Not trimmed: parameters are the caller's. */
static char *
read_text (const ElvesRequest *request, const char *name, ElvesRefusal *refusal)
{
  ElvesJsonValue value = elves_request_get (request, name);
  if (value.kind == ELVES_JSON_STRING)
    return elves_json_value_to_text (value);
  refuse (refusal, FAULT_OTHER, name, "a text");
  return NULL;
}

/* (transfer full); NULL: refused. @fault: said when it is blank */
static char *
read_word (const ElvesRequest *request, const char *name, const char *fault, ElvesRefusal *refusal)
{
  g_autofree char *text = read_text (request, name, refusal);
  if (text == NULL || *g_strstrip (text) != '\0')
    return g_steal_pointer (&text);
  refuse (refusal, fault, name, "a text that is not empty");
  return NULL;
}

static gboolean
read_timeout (const ElvesRequest *request,
              gint default_s,
              gint *out_timeout_s,
              ElvesRefusal *refusal)
{
  g_autoptr (GError) error = NULL;
  gint64 timeout_s;
  if (!elves_request_number (request, "timeout", TRUE, 0, MAX_TIMEOUT_S, 0, &timeout_s, &error))
    {
      gboolean is_number = elves_request_get (request, "timeout").kind == ELVES_JSON_NUMBER;
      refusal->error_text = is_number ? FAULT_TIMEOUT : FAULT_OTHER;
      refusal->detail = g_strdup (error->message);
      return FALSE;
    }
  *out_timeout_s = timeout_s > 0 ? (gint) timeout_s : default_s;
  return TRUE;
}

static gboolean
read_mode (const ElvesRequest *request, char **out_mode, ElvesRefusal *refusal)
{
  g_autofree char *mode = read_word (request, "mode", FAULT_MODE, refusal);
  if (mode == NULL)
    return FALSE;
  /* The older names: sap, aap, ssp, cap; sanp, aanp, ssnp, canp, csnp. */
  g_autofree char *lower = g_ascii_strdown (mode, -1);
  static const char *const with[] = { "p", "sap", "aap", "ssp", "cap", NULL };
  static const char *const without[] = { "np", "sanp", "aanp", "ssnp", "canp", "csnp", NULL };
  if (g_strv_contains (with, lower))
    *out_mode = g_strdup ("P");
  else if (g_strv_contains (without, lower))
    *out_mode = g_strdup ("NP");
  else
    return refuse (refusal, FAULT_MODE, "mode", "P or NP");
  return TRUE;
}

/* ---- what a task depends on ----------------------------------------------------------------- */

static void
add_need (GPtrArray *needs, char *id)
{
  g_strstrip (id);
  if (*id == '\0' || g_ptr_array_find_with_equal_func (needs, id, g_str_equal, NULL))
    g_free (id);
  else
    g_ptr_array_add (needs, id);
}

static gboolean
read_many_needs (const ElvesRequest *request, GPtrArray *needs, ElvesRefusal *refusal)
{
  ElvesJsonValue list = elves_request_get (request, "depend_task_ids"), element;
  gsize position = 0;
  if (list.kind == ELVES_JSON_ABSENT || list.kind == ELVES_JSON_NULL)
    return TRUE;
  if (list.kind != ELVES_JSON_ARRAY)
    return refuse (refusal, FAULT_OTHER, "depend_task_ids", "an array of ids");
  while (elves_json_array_next (list, &position, &element))
    {
      if (element.kind != ELVES_JSON_STRING || needs->len >= MAX_NEEDS)
        return refuse (refusal, FAULT_OTHER, "depend_task_ids", "at most 1000 ids");
      add_need (needs, elves_json_value_to_text (element));
    }
  return TRUE;
}

static gboolean
read_needs (const ElvesRequest *request, GPtrArray *needs, ElvesRefusal *refusal)
{
  gboolean has_many = elves_request_get (request, "depend_task_ids").kind == ELVES_JSON_ARRAY;
  gboolean has_one = elves_request_get (request, "depend_task_id").kind != ELVES_JSON_ABSENT;
  if (has_one || !has_many)
    {
      char *one = read_text (request, "depend_task_id", refusal);
      if (one == NULL)
        return FALSE;
      add_need (needs, one);
    }
  return read_many_needs (request, needs, refusal);
}

/* ---- requests ------------------------------------------------------------------------------- */

gboolean
elves_queue_read_create (const ElvesRequest *request,
                         ElvesOnFailure fallback,
                         char **out_app,
                         ElvesOnFailure *out_on_failure,
                         ElvesRefusal *out_refusal)
{
  g_autofree char *app = read_word (request, "app", FAULT_APP, out_refusal);
  ElvesJsonValue policy = elves_request_get (request, "on_failure");
  if (app == NULL)
    return FALSE;
  *out_on_failure = fallback;
  if (policy.kind != ELVES_JSON_ABSENT)
    {
      g_autofree char *text = elves_json_value_to_text (policy);
      if (!elves_on_failure_from_text (text, out_on_failure))
        return refuse (out_refusal, FAULT_OTHER, "on_failure", "pendding or skipped");
    }
  *out_app = g_steal_pointer (&app);
  return TRUE;
}

/**
 * elves_queue_read_task:
 * @request: addTask
 * @default_timeout_s: of a task that names none
 *
 * Returns: (transfer full) (nullable): the task; %NULL: @out_refusal says why not
 */
ElvesQueueTask *
elves_queue_read_task (const ElvesRequest *request,
                       gint default_timeout_s,
                       ElvesRefusal *out_refusal)
{
  g_autoptr (ElvesQueueTask) task = g_new0 (ElvesQueueTask, 1);
  task->needs = g_ptr_array_new_with_free_func (g_free);
  gboolean fine = (task->ip = read_word (request, "ip", FAULT_IP, out_refusal)) != NULL &&
                  (task->func = read_word (request, "func", FAULT_FUNC, out_refusal)) != NULL &&
                  (task->param = read_text (request, "param", out_refusal)) != NULL &&
                  (task->proxy = read_text (request, "proxy", out_refusal)) != NULL &&
                  read_mode (request, &task->mode, out_refusal) &&
                  read_timeout (request, default_timeout_s, &task->timeout_s, out_refusal) &&
                  read_needs (request, task->needs, out_refusal);
  return fine ? g_steal_pointer (&task) : NULL;
}

char *
elves_queue_read_id (const ElvesRequest *request, ElvesRefusal *out_refusal)
{
  return read_word (request, "id", FAULT_OTHER, out_refusal);
}

gboolean
elves_queue_read_page (const ElvesRequest *request,
                       guint *out_size,
                       guint *out_number,
                       ElvesRefusal *out_refusal)
{
  g_autoptr (GError) error = NULL;
  gint64 size, number;
  if (!elves_request_number (request, "pagesize", FALSE, 0, MAX_PAGE, 0, &size, &error) ||
      !elves_request_number (request, "pagenumber", FALSE, 1, G_MAXINT32, 1, &number, &error))
    {
      out_refusal->error_text = FAULT_OTHER;
      out_refusal->detail = g_strdup (error->message);
      return FALSE;
    }
  *out_size = (guint) size;
  *out_number = (guint) number;
  return TRUE;
}
