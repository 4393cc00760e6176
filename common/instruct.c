/* The two structs of the Thrift interface as values.

   An ElvesInstruct is filled by whoever made it, then shared and no longer changed; whoever needs
   another one copies it. The same holds for ElvesReinstruct. Reference counts are atomic, because a
   result may be dropped by the thread that put it on the wire; the fields have no lock and need
   none.

   Not here: the bytes on the wire (rpc-codec.c) and the JSON (job-message-*.c). */
#include "common/instruct.h"

#include <string.h>

/* Most instructs leave some texts empty, and all of them begin so: they share this one. */
static char empty_text[1];

static char *
text_copy (const char *text)
{
  return text == NULL || *text == '\0' ? empty_text : g_strdup (text);
}

static void
text_free (char *text)
{
  if (text != empty_text)
    g_free (text);
}

static GBytes *
empty_bytes (void)
{
  static gsize bytes;
  if (g_once_init_enter (&bytes))
    g_once_init_leave (&bytes, (gsize) g_bytes_new_static ("", 0));
  return g_bytes_ref ((GBytes *) bytes);
}

/**
 * elves_instruct_new:
 *
 * Returns: (transfer full): an instruction with all texts "", an empty param and no time limit.
 */
ElvesInstruct *
elves_instruct_new (void)
{
  ElvesInstruct *self = g_atomic_rc_box_new0 (ElvesInstruct);
  self->id = empty_text;
  self->ip = empty_text;
  self->type = empty_text;
  self->mode = empty_text;
  self->app = empty_text;
  self->func = empty_text;
  self->param = empty_bytes ();
  self->proxy = empty_text;
  return self;
}

/**
 * elves_instruct_copy:
 * @self: the instruction to copy
 *
 * Returns: (transfer full): an independent copy that may be changed until it is shared.
 */
ElvesInstruct *
elves_instruct_copy (const ElvesInstruct *self)
{
  ElvesInstruct *copy = g_atomic_rc_box_new0 (ElvesInstruct);
  copy->id = text_copy (self->id);
  copy->ip = text_copy (self->ip);
  copy->type = text_copy (self->type);
  copy->mode = text_copy (self->mode);
  copy->app = text_copy (self->app);
  copy->func = text_copy (self->func);
  copy->param = g_bytes_ref (self->param);
  copy->timeout_s = self->timeout_s;
  copy->proxy = text_copy (self->proxy);
  copy->execution = g_strdup (self->execution);
  copy->origin = g_strdup (self->origin);
  copy->seen_within_s = self->seen_within_s;
  copy->query_only = self->query_only;
  copy->held = self->held;
  return copy;
}

ElvesInstruct *
elves_instruct_ref (ElvesInstruct *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
instruct_clear (void *data)
{
  ElvesInstruct *self = data;
  text_free (self->id);
  text_free (self->ip);
  text_free (self->type);
  text_free (self->mode);
  text_free (self->app);
  text_free (self->func);
  g_bytes_unref (self->param);
  text_free (self->proxy);
  g_free (self->execution);
  g_free (self->origin);
}

/**
 * elves_instruct_unref:
 * @self: (nullable): the instruction
 */
void
elves_instruct_unref (ElvesInstruct *self)
{
  if (self)
    g_atomic_rc_box_release_full (self, instruct_clear);
}

/**
 * elves_instruct_set:
 * @field: a text of an instruction that is not yet shared; not its execution or origin, which are
 *   allocated or %NULL
 * @value: (nullable): the new text; %NULL becomes "". May be the old text itself.
 */
void
elves_instruct_set (char **field, const char *value)
{
  char *text = text_copy (value);
  text_free (*field);
  *field = text;
}

/**
 * elves_instruct_take:
 * @field: as for elves_instruct_set()
 * @value: (transfer full): the new text
 */
void
elves_instruct_take (char **field, char *value)
{
  text_free (*field);
  *field = value;
}

/**
 * elves_instruct_names:
 * @question: what somebody asks for
 * @job: a job
 *
 * Returns: whether it is meant.
 */
gboolean
elves_instruct_names (const ElvesInstruct *question, const ElvesInstruct *job)
{
  if (question->execution && question->execution[0] != '\0')
    return job->execution && g_str_equal (question->execution, job->execution);
  return question->id[0] != '\0' && g_str_equal (question->id, job->id) &&
         (question->type[0] == '\0' || g_str_equal (question->type, job->type));
}

/**
 * elves_reinstruct_new:
 * @instruct: what was run; a reference is taken
 *
 * Returns: (transfer full): an answer with flag 0, no result, and everything optional unset.
 */
ElvesReinstruct *
elves_reinstruct_new (ElvesInstruct *instruct)
{
  ElvesReinstruct *self = g_atomic_rc_box_new0 (ElvesReinstruct);
  self->instruct = elves_instruct_ref (instruct);
  self->state = ELVES_STATE_UNSET;
  self->reason = ELVES_REASON_NONE;
  self->exit_status = -1;
  self->killed = -1;
  self->survivors = -1;
  self->output_bytes = -1;
  return self;
}

/**
 * elves_reinstruct_failure:
 * @instruct: what could not be run; a reference is taken
 * @reason: why
 * @text: (nullable): the result text that people read
 *
 * Returns: (transfer full): an answer with flag -1.
 */
ElvesReinstruct *
elves_reinstruct_failure (ElvesInstruct *instruct, ElvesReason reason, const char *text)
{
  ElvesReinstruct *self = elves_reinstruct_new (instruct);
  self->flag = -1;
  self->reason = reason;
  self->result = text ? g_bytes_new (text, strlen (text)) : empty_bytes ();
  return self;
}

ElvesReinstruct *
elves_reinstruct_ref (ElvesReinstruct *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
reinstruct_clear (void *data)
{
  ElvesReinstruct *self = data;
  elves_instruct_unref (self->instruct);
  g_clear_pointer (&self->result, g_bytes_unref);
}

/**
 * elves_reinstruct_unref:
 * @self: (nullable): the answer
 */
void
elves_reinstruct_unref (ElvesReinstruct *self)
{
  if (self)
    g_atomic_rc_box_release_full (self, reinstruct_clear);
}
