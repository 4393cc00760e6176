/* The answer to one instruct: of a call of its own, in the list that answers many, or by its number
 * on a connection that carries lists. Whoever has the answer need not know which. */
#include "agent/reply.h"

struct ElvesReplyList
{
  ElvesThriftCall *call;
  GPtrArray *answers; /* of ElvesReinstruct, in the order of the call; NULL: to come */
  guint missing;
};

struct ElvesReply
{
  ElvesThriftCall *call;       /* (nullable) */
  ElvesReplyList *list;        /* (nullable) */
  ElvesThriftChannel *channel; /* (nullable) */
  gint32 number;               /* on the channel; the place in the list */
};

/**
 * elves_reply_to_call:
 * @call: (transfer full): one with a single answer
 *
 * Returns: (transfer full): a reply
 */
ElvesReply *
elves_reply_to_call (ElvesThriftCall *call)
{
  ElvesReply *self = g_new0 (ElvesReply, 1);
  self->call = call;
  return self;
}

/**
 * elves_reply_to_channel:
 * @channel: of the connection on which it was asked; a reference is taken
 * @number: under which it was asked
 *
 * Returns: (transfer full): a reply
 */
ElvesReply *
elves_reply_to_channel (ElvesThriftChannel *channel, gint32 number)
{
  ElvesReply *self = g_new0 (ElvesReply, 1);
  self->channel = elves_thrift_channel_ref (channel);
  self->number = number;
  elves_thrift_channel_expect (channel);
  return self;
}

/**
 * elves_reply_list_new:
 * @call: (transfer full): one with a list of answers
 * @n_answers: for each of them elves_reply_to_list() follows
 *
 * Returns: (transfer full): the list; elves_reply_list_seal() ends the making
 */
ElvesReplyList *
elves_reply_list_new (ElvesThriftCall *call, guint n_answers)
{
  ElvesReplyList *self = g_new0 (ElvesReplyList, 1);
  self->call = call;
  self->answers = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
  g_ptr_array_set_size (self->answers, n_answers);
  self->missing = n_answers + 1; /* one for the sealing */
  return self;
}

static void
count_down (ElvesReplyList *self)
{
  if (--self->missing > 0)
    return;
  elves_thrift_call_answer_list (self->call, self->answers);
  g_ptr_array_unref (self->answers);
  g_free (self);
}

/**
 * elves_reply_to_list:
 * @list: not sealed
 * @index: its place
 *
 * Returns: (transfer full): a reply
 */
ElvesReply *
elves_reply_to_list (ElvesReplyList *list, guint index)
{
  ElvesReply *self = g_new0 (ElvesReply, 1);
  self->list = list;
  self->number = index;
  return self;
}

/**
 * elves_reply_list_seal:
 * @self: (transfer full): a list of which all replies have been made, and perhaps given
 */
void
elves_reply_list_seal (ElvesReplyList *self)
{
  count_down (self);
}

/**
 * elves_reply_give:
 * @self: (transfer full): a reply
 * @answer: a reference is taken
 */
void
elves_reply_give (ElvesReply *self, ElvesReinstruct *answer)
{
  if (self->call != NULL)
    elves_thrift_call_answer_reinstruct (self->call, answer);
  else if (self->channel != NULL)
    elves_thrift_channel_answer (self->channel, self->number, answer);
  else
    {
      self->list->answers->pdata[self->number] = elves_reinstruct_ref (answer);
      count_down (self->list);
    }
  elves_thrift_channel_unref (self->channel);
  g_free (self);
}
