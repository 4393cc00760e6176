/* A request to run a function, and what came of it: two values that every part of the scheduler
   hands around.

   The parser makes a job and fills it; from then on nobody changes it, except that its instruction
   gets an execution key if it has none, before it goes out. Both structs belong to the main
   thread. */
#include "common/job.h"

#include <string.h>

/**
 * elves_job_new:
 *
 * Returns: (transfer full): an empty job with an empty instruction, for its maker to fill.
 */
ElvesJob *
elves_job_new (void)
{
  ElvesJob *self = g_rc_box_new0 (ElvesJob);
  self->instruct = elves_instruct_new ();
  return self;
}

ElvesJob *
elves_job_ref (ElvesJob *self)
{
  return g_rc_box_acquire (self);
}

void
elves_reply_address_clear (ElvesReplyAddress *self)
{
  g_free (self->exchange);
  g_free (self->routing_key);
  g_free (self->cc);
  g_free (self->correlation_id);
}

static void
job_clear (void *data)
{
  ElvesJob *self = data;
  g_free (self->from);
  g_free (self->to);
  g_free (self->action);
  g_free (self->correlation);
  elves_reply_address_clear (&self->reply);
  g_free (self->mode);
  g_free (self->rand_id);
  elves_instruct_unref (self->instruct);
}

/**
 * elves_job_unref:
 * @self: (nullable): the job
 */
void
elves_job_unref (ElvesJob *self)
{
  if (self)
    g_rc_box_release_full (self, job_clear);
}

gboolean
elves_job_has_reply_address (const ElvesJob *self)
{
  return self->reply.routing_key != NULL;
}

/**
 * elves_job_new_id:
 *
 * Returns: (transfer full): 16 upper-case hex digits: the middle of an MD5 sum over a random UUID,
 * as the original components make theirs.
 */
char *
elves_job_new_id (void)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autoptr (GString) seed = g_string_new ("GYYX");
  for (const char *at = uuid; *at != '\0'; at++)
    if (*at != '-')
      g_string_append_c (seed, g_ascii_toupper (*at));
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_MD5, seed->str, -1);
  g_autofree char *middle = g_strndup (sum + 8, 16);
  return g_ascii_strup (middle, -1);
}

/**
 * elves_outcome_init_failure:
 * @self: (out caller-allocates): the outcome of a job that did not reach its agent; both times are
 * now
 * @reason: why
 * @detail: (nullable): which step, which peer
 */
void
elves_outcome_init_failure (ElvesOutcome *self, ElvesReason reason, const char *detail)
{
  memset (self, 0, sizeof *self);
  self->reason = reason;
  self->detail = g_strdup (detail);
  self->worker_flag = -1;
  self->started_us = self->ended_us = g_get_real_time ();
}

/**
 * elves_outcome_init_answer:
 * @self: (out caller-allocates): the outcome of a job that the agent answered; both times are now
 * @answer: of the agent; not kept
 */
void
elves_outcome_init_answer (ElvesOutcome *self, const ElvesReinstruct *answer)
{
  memset (self, 0, sizeof *self);
  self->delivered = TRUE;
  self->reason = answer->reason;
  self->worker_flag = answer->flag;
  self->worker_cost_ms = answer->cost_ms;
  self->worker_message = answer->result ? g_bytes_ref (answer->result) : NULL;
  self->started_us = self->ended_us = g_get_real_time ();
}

/**
 * elves_outcome_copy:
 * @self: (out caller-allocates): the copy
 * @other: an outcome
 */
void
elves_outcome_copy (ElvesOutcome *self, const ElvesOutcome *other)
{
  *self = *other;
  self->detail = g_strdup (other->detail);
  self->worker_message = other->worker_message ? g_bytes_ref (other->worker_message) : NULL;
}

/**
 * elves_outcome_clear:
 * @self: an outcome that was initialised, or is all zero
 */
void
elves_outcome_clear (ElvesOutcome *self)
{
  g_clear_pointer (&self->detail, g_free);
  g_clear_pointer (&self->worker_message, g_bytes_unref);
}
