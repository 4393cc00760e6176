/* How many results there may be, and how large.
 *
 * Their number is bounded: a place is reserved when a job is accepted, so that a result never finds
 * the outbox full; no place, no job. So are their bytes, together with those of the parameters of
 * the jobs they are for; results of jobs accepted before that may go beyond. One that is in the
 * journal needs no place: of those, as many bytes are held as may be on their way in lists.
 */
#include "agent/outbox-private.h"

static gsize
param_bytes (const ElvesInstruct *instruct)
{
  return g_bytes_get_size (instruct->param);
}

static gsize
result_bytes (const ElvesReinstruct *result)
{
  return result->result != NULL ? g_bytes_get_size (result->result) : 0;
}

/* About what it takes of the memory. */
static gsize
kept_bytes (const ElvesReinstruct *result)
{
  return param_bytes (result->instruct) + result_bytes (result) + 512;
}

static void
hold_if_small (ElvesOutboxEntry *self, ElvesReinstruct *result)
{
  ElvesOutbox *outbox = self->outbox;
  guint64 limit = 2 * ELVES_OUTBOX_MAX_LINKS * outbox->config->max_results_list_bytes;
  gsize bytes = kept_bytes (result);
  if (outbox->kept_bytes + bytes > limit)
    return;
  outbox->kept_bytes += bytes;
  self->result = elves_reinstruct_ref (result);
}

static void
hold_in_reserved_place (ElvesOutboxEntry *self, ElvesReinstruct *result)
{
  self->outbox->reserved--;
  self->outbox->bytes += result_bytes (result);
  self->result = elves_reinstruct_ref (result);
}

void
elves_outbox_entry_hold_result (ElvesOutboxEntry *self, ElvesReinstruct *result)
{
  if (self->stored)
    hold_if_small (self, result);
  else
    hold_in_reserved_place (self, result);
}

void
elves_outbox_entry_forget_result (ElvesOutboxEntry *self)
{
  const ElvesReinstruct *result = self->result;
  if (result == NULL)
    return;
  if (self->stored)
    self->outbox->kept_bytes -= kept_bytes (result);
  else
    self->outbox->bytes -= param_bytes (result->instruct) + result_bytes (result);
  g_clear_pointer (&self->result, elves_reinstruct_unref);
}

/**
 * elves_outbox_reserve:
 * @self: an outbox
 * @instruct: the job that it will be of
 *
 * Keeps a place for one result to come: end it with elves_outbox_add() or elves_outbox_release().
 *
 * Returns: whether there was one (results.max, results.maxBytes)
 */
gboolean
elves_outbox_reserve (ElvesOutbox *self, const ElvesInstruct *instruct)
{
  if (self->reserved + self->entries.length >= self->config->max_results ||
      (self->bytes > 0 && self->bytes + param_bytes (instruct) > self->config->max_results_bytes))
    return FALSE;
  self->reserved++;
  self->bytes += param_bytes (instruct);
  return TRUE;
}

/**
 * elves_outbox_reserve_anyway:
 * @self: an outbox
 * @instruct: the job that it will be of: it has ended, so there is nothing to refuse
 */
void
elves_outbox_reserve_anyway (ElvesOutbox *self, const ElvesInstruct *instruct)
{
  self->reserved++;
  self->bytes += param_bytes (instruct);
}

/**
 * elves_outbox_release:
 * @self: an outbox
 * @instruct: as given to elves_outbox_reserve()
 *
 * Gives a reserved place back: there will be no result.
 */
void
elves_outbox_release (ElvesOutbox *self, const ElvesInstruct *instruct)
{
  self->reserved--;
  self->bytes -= param_bytes (instruct);
}
