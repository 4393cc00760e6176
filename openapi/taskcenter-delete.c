/* POST delete-task and delete-task-by-name: deleteCron. Ids that are not there are no error. Many
 * are asked for in parts, one after the other. */
#include "openapi/taskcenter-private.h"

#include "common/json-writer.h"

#include <string.h>

enum
{
  IDS_AT_ONCE = 500
};

typedef struct
{
  ElvesTaskcenter *door;
  ElvesHttpRequest *request;
  GPtrArray *ids; /* (nullable) NULL: by name */
  guint asked;    /* of them */
  GString *body;  /* of the answer, so far */
} Deletion;

static void ask_part (Deletion *self);

static Deletion *
deletion_new (ElvesTaskcenter *door, ElvesHttpRequest *request)
{
  Deletion *self = g_new0 (Deletion, 1);

  self->door = door;
  self->request = request;
  self->body = g_string_new (NULL);
  elves_json_open (self->body, NULL);
  elves_json_open_array (self->body, "SucIds");
  return self;
}

static void
deletion_free (Deletion *self)
{
  g_clear_pointer (&self->ids, g_ptr_array_unref);
  if (self->body != NULL)
    g_string_free (self->body, TRUE);
  g_free (self);
}

static void
finish (Deletion *self)
{
  elves_json_close_array (self->body);
  elves_json_close (self->body);
  elves_taskcenter_answer (self->request, 200, g_steal_pointer (&self->body));
  deletion_free (self);
}

static void
add_deleted (Deletion *self, const ElvesCallerAnswer *answer)
{
  ElvesJsonValue keys = elves_json_object_get (answer->members, "result");
  ElvesJsonValue key;
  gsize position = 0;

  if (keys.kind != ELVES_JSON_ARRAY)
    return;
  while (elves_json_array_next (keys, &position, &key))
    {
      g_autofree char *text = elves_json_value_to_text (key);
      elves_json_add_text (self->body, NULL, text);
    }
}

static void
on_deleted (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Deletion *self = user_data;
  g_autofree char *failure = elves_taskcenter_failure (answer, error);

  if (failure != NULL)
    {
      elves_taskcenter_refuse (self->request, 500, failure);
      deletion_free (self);
      return;
    }
  add_deleted (self, answer);
  if (self->ids != NULL && self->asked < self->ids->len)
    ask_part (self);
  else
    finish (self);
}

static GString *
open_question (void)
{
  GString *question = g_string_new (NULL);

  elves_json_open (question, NULL);
  elves_json_add_text (question, "owner", ELVES_TASKCENTER_OWNER);
  return question;
}

static void
ask_part (Deletion *self)
{
  GString *question = open_question ();
  guint end = MIN (self->ids->len, self->asked + IDS_AT_ONCE);

  elves_json_open_array (question, "ids");
  for (; self->asked < end; self->asked++)
    elves_json_add_text (question, NULL, self->ids->pdata[self->asked]);
  elves_json_close_array (question);
  elves_json_close (question);
  elves_taskcenter_ask (self->door, "deleteCron", question, on_deleted, self);
}

/* (transfer full) (nullable): those of @array that may be ids; NULL: something else is in it. */
static GPtrArray *
read_ids (ElvesJsonValue array, gboolean *out_is_empty)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  ElvesJsonValue element;
  gsize position = 0;

  *out_is_empty = TRUE;
  while (array.kind == ELVES_JSON_ARRAY && elves_json_array_next (array, &position, &element))
    {
      g_autofree char *text = elves_json_value_to_text (element);
      if (element.kind != ELVES_JSON_STRING && element.kind != ELVES_JSON_NULL)
        return NULL;
      *out_is_empty = FALSE;
      if (elves_taskcenter_is_id (text))
        g_ptr_array_add (ids, g_steal_pointer (&text));
    }
  return g_steal_pointer (&ids);
}

static gboolean
is_of_kind (ElvesJsonValue value, ElvesJsonKind kind)
{
  return value.kind == kind || value.kind == ELVES_JSON_ABSENT || value.kind == ELVES_JSON_NULL;
}

void
elves_taskcenter_delete (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest)
{
  g_autoptr (ElvesJsonObject) members = elves_taskcenter_read (request);
  g_autoptr (GPtrArray) ids = NULL;
  gboolean is_empty = TRUE;
  ElvesJsonValue array;
  Deletion *deletion;

  if (members == NULL)
    return;
  array = elves_json_object_get_any_case (members, "ids");
  if (is_of_kind (array, ELVES_JSON_ARRAY))
    ids = read_ids (array, &is_empty);
  if (ids == NULL || is_empty)
    {
      elves_taskcenter_refuse (
          request, 400, ids == NULL ? "request body format error" : "id should not by empty");
      return;
    }
  deletion = deletion_new (self, request);
  deletion->ids = g_steal_pointer (&ids);
  if (deletion->ids->len > 0)
    ask_part (deletion);
  else
    finish (deletion);
}

void
elves_taskcenter_delete_name (ElvesTaskcenter *self, ElvesHttpRequest *request, const char *rest)
{
  g_autoptr (ElvesJsonObject) members = elves_taskcenter_read (request);
  g_autofree char *name = NULL;
  ElvesJsonValue value;
  GString *question;

  if (members == NULL)
    return;
  value = elves_json_object_get_any_case (members, "name");
  name = elves_json_value_to_text (value);
  if (!is_of_kind (value, ELVES_JSON_STRING) || *name == '\0')
    {
      elves_taskcenter_refuse (request, 400,
                               is_of_kind (value, ELVES_JSON_STRING) ? "name should not be empty"
                                                                     : "request body format error");
      return;
    }
  question = open_question ();
  elves_json_add_text (question, "name", name);
  elves_json_close (question);
  elves_taskcenter_ask (self, "deleteCron", question, on_deleted, deletion_new (self, request));
}
