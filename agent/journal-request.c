#include "agent/journal-request.h"

/**
 * elves_journal_request_new:
 * @verb: what to do
 * @key: the execution it is about; copied
 * @done: (nullable): told what came of it
 * @user_data: for @done
 *
 * Returns: (transfer full): the request; some verbs need more of its members
 */
ElvesJournalRequest *
elves_journal_request_new (ElvesJournalVerb verb,
                           const char *key,
                           ElvesJournalFunc done,
                           gpointer user_data)
{
  ElvesJournalRequest *self = g_new0 (ElvesJournalRequest, 1);
  self->verb = verb;
  self->key = g_strdup (key);
  self->done = done;
  self->user_data = user_data;
  return self;
}

/**
 * elves_journal_request_about:
 * @verb: %ELVES_JOURNAL_ACCEPT or %ELVES_JOURNAL_FIND
 * @what: the execution; copied
 * @done: told what came of it
 * @user_data: for @done
 *
 * Returns: (transfer full): the request
 */
ElvesJournalRequest *
elves_journal_request_about (ElvesJournalVerb verb,
                             const ElvesJournalAcceptance *what,
                             ElvesJournalFunc done,
                             gpointer user_data)
{
  ElvesJournalRequest *self = elves_journal_request_new (verb, what->key, done, user_data);
  self->id = g_strdup (what->id);
  self->type = g_strdup (what->type);
  self->origin = g_strdup (what->origin);
  self->seen_within_s = what->seen_within_s;
  self->sync = what->sync;
  self->body = what->instruct != NULL ? g_bytes_ref (what->instruct) : NULL;
  if (what->start != NULL)
    elves_journal_request_set_start (self, what->start);
  return self;
}

/**
 * elves_journal_request_free:
 * @self: (nullable): a request
 */
void
elves_journal_request_free (ElvesJournalRequest *self)
{
  if (self == NULL)
    return;
  g_free (self->key);
  g_free (self->id);
  g_free (self->type);
  g_free (self->origin);
  g_free (self->boot);
  g_free (self->tracking);
  g_free (self->cgroup);
  g_free (self->known_key);
  g_free (self->known_origin);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_error (&self->error);
  g_free (self);
}

/**
 * elves_journal_request_set_start:
 * @self: a request that says how an execution is started
 * @how: how to find its processes later; copied
 */
void
elves_journal_request_set_start (ElvesJournalRequest *self, const ElvesJournalStart *how)
{
  self->boot = g_strdup (how->boot);
  self->tracking = g_strdup (how->tracking);
  self->cgroup = g_strdup (how->cgroup);
}
