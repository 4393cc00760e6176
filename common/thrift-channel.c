/* Answers of one turn of the loop leave together: in one list and one send(), or in several when
 * they are many or large. No answer waits for another one to be there.
 *
 * While the peer does not read, answers are kept as values, which whoever gives them has bounded
 * already, and become bytes when what was sent before has left. */
#include "common/thrift-channel.h"

#include "common/thrift-server-private.h"

#define LIST_ITEMS 1000
#define LIST_BYTES (256 * 1024) /* of results; one answer may be larger */
#define OUTPUT_BYTES (64 * 1024)

static ElvesThriftChannel *
channel_new (ElvesThriftConnection *connection)
{
  ElvesThriftChannel *self = g_rc_box_new0 (ElvesThriftChannel);
  self->connection = connection;
  self->answers = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
  self->marks = g_array_new (FALSE, FALSE, sizeof (ElvesRpcMark));
  return self;
}

/**
 * elves_thrift_call_channel:
 * @call: one that has just come
 *
 * Returns: (transfer full): the way back, for as long as the connection stands
 */
ElvesThriftChannel *
elves_thrift_call_channel (ElvesThriftCall *call)
{
  ElvesThriftConnection *connection = call->connection;
  if (!connection->channel)
    connection->channel = channel_new (connection);
  return elves_thrift_channel_ref (connection->channel);
}

/**
 * elves_thrift_channel_ref:
 *
 * Returns: (transfer full): @self
 */
ElvesThriftChannel *
elves_thrift_channel_ref (ElvesThriftChannel *self)
{
  return g_rc_box_acquire (self);
}

static void
channel_clear (gpointer data)
{
  ElvesThriftChannel *self = data;
  g_ptr_array_unref (self->answers);
  g_array_unref (self->marks);
}

/**
 * elves_thrift_channel_unref:
 * @self: (nullable): a channel
 */
void
elves_thrift_channel_unref (ElvesThriftChannel *self)
{
  if (self)
    g_rc_box_release_full (self, channel_clear);
}

static void
drop_answers (ElvesThriftChannel *self)
{
  g_ptr_array_set_size (self->answers, 0);
  g_array_set_size (self->marks, 0);
  self->n_sent = 0;
}

/* The connection ends. */
void
elves_thrift_channel_close (ElvesThriftChannel *self)
{
  self->connection = NULL;
  drop_answers (self);
  elves_thrift_channel_unref (self);
}

static guint
choose_list (const ElvesThriftChannel *self)
{
  guint limit = MIN (self->answers->len - self->n_sent, LIST_ITEMS);
  gsize bytes = 0;
  for (guint n = 0; n < limit; n++)
    {
      const ElvesReinstruct *answer = self->answers->pdata[self->n_sent + n];
      bytes += answer->result ? g_bytes_get_size (answer->result) : 0;
      if (bytes > LIST_BYTES)
        return MAX (n, 1);
    }
  return limit;
}

/* As far as the peer takes them; the rest when it has. Returns: whether there were some. */
gboolean
elves_thrift_channel_fill (ElvesThriftChannel *self)
{
  ElvesThriftLink *link = self->connection->link;
  guint n_sent = self->n_sent;
  while (self->n_sent < self->answers->len && elves_thrift_link_waiting_bytes (link) < OUTPUT_BYTES)
    {
      guint n = choose_list (self);
      elves_rpc_encode_answers (elves_thrift_link_output (link),
                                (ElvesReinstruct **) self->answers->pdata + self->n_sent,
                                &g_array_index (self->marks, ElvesRpcMark, self->n_sent), n);
      self->n_sent += n;
    }
  gboolean some = self->n_sent > n_sent;
  if (self->n_sent == self->answers->len)
    drop_answers (self);
  return some;
}

/**
 * elves_thrift_channel_expect:
 *
 * One elves_thrift_channel_answer() will follow.
 */
void
elves_thrift_channel_expect (ElvesThriftChannel *self)
{
  self->n_due++;
}

/**
 * elves_thrift_channel_answer:
 * @call: the number under which it was asked
 * @answer: a reference is taken
 */
void
elves_thrift_channel_answer (ElvesThriftChannel *self, gint32 call, ElvesReinstruct *answer)
{
  ElvesRpcMark mark = { .call = call };
  self->n_due--;
  if (!self->connection)
    return;
  g_ptr_array_add (self->answers, elves_reinstruct_ref (answer));
  g_array_append_val (self->marks, mark);
  elves_thrift_link_flush (self->connection->link);
}
