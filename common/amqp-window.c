/* Publications in flight, by their number on the channel.
 *
 * The broker counts what is published on a channel from 1 and confirms by number, alone or
 * `multiple`. A message that reached no queue comes back before its confirmation, without its
 * number: it is known by its address and body. Of two that are equal in all of these it does not
 * matter which is meant.
 */
#include "common/amqp-window.h"

void
elves_amqp_entry_free (ElvesAmqpEntry *self)
{
  elves_publication_free (self->publication);
  g_free (self);
}

static ElvesAmqpEntry **
slot (ElvesAmqpWindow *self, guint64 number)
{
  return &self->entries[number & (ELVES_AMQP_WINDOW_SIZE - 1)];
}

void
elves_amqp_window_init (ElvesAmqpWindow *self)
{
  self->first = self->next = 1;
  self->unconfirmed = 0;
}

gboolean
elves_amqp_window_is_full (const ElvesAmqpWindow *self)
{
  return self->next - self->first >= ELVES_AMQP_WINDOW_SIZE;
}

/* @entry: (transfer full): gets the next number. The window must not be full. */
void
elves_amqp_window_add (ElvesAmqpWindow *self, ElvesAmqpEntry *entry)
{
  g_return_if_fail (!elves_amqp_window_is_full (self));
  *slot (self, self->next++) = entry;
  self->unconfirmed++;
}

static ElvesAmqpEntry *
take (ElvesAmqpWindow *self, guint64 number)
{
  ElvesAmqpEntry *entry = g_steal_pointer (slot (self, number));
  if (entry != NULL)
    self->unconfirmed--;
  while (self->first < self->next && *slot (self, self->first) == NULL)
    self->first++;
  return entry;
}

/**
 * elves_amqp_window_confirm:
 * @accepted: an ack; FALSE: a nack
 * @confirmed: called with each entry that @number confirms, in order (transfer full)
 *
 * Returns: FALSE when nothing with this number was published
 */
gboolean
elves_amqp_window_confirm (ElvesAmqpWindow *self,
                           guint64 number,
                           gboolean multiple,
                           gboolean accepted,
                           ElvesConfirmedFunc confirmed,
                           gpointer user_data)
{
  if (number >= self->next)
    return FALSE;
  for (guint64 n = multiple ? self->first : MAX (number, self->first); n <= number; n++)
    {
      ElvesAmqpEntry *entry = take (self, n);
      if (entry != NULL)
        confirmed (entry, accepted, user_data);
    }
  return TRUE;
}

/**
 * elves_amqp_window_mark_returned:
 *
 * The first entry that looks like this and is not marked yet reached no queue.
 */
void
elves_amqp_window_mark_returned (ElvesAmqpWindow *self,
                                 const char *exchange,
                                 const char *routing_key,
                                 GBytes *body)
{
  for (guint64 number = self->first; number < self->next; number++)
    {
      ElvesAmqpEntry *entry = *slot (self, number);
      if (entry == NULL || entry->returned ||
          !g_str_equal (routing_key, entry->publication->routing_key) ||
          !g_str_equal (exchange, entry->publication->exchange) ||
          !g_bytes_equal (body, entry->publication->body))
        continue;
      entry->returned = TRUE;
      return;
    }
}

/* (nullable): the oldest that is not confirmed. */
const ElvesAmqpEntry *
elves_amqp_window_peek_first (const ElvesAmqpWindow *self)
{
  return self->entries[self->first & (ELVES_AMQP_WINDOW_SIZE - 1)];
}

/* (nullable) (transfer full) */
ElvesAmqpEntry *
elves_amqp_window_take_first (ElvesAmqpWindow *self)
{
  return take (self, self->first);
}

/**
 * elves_amqp_window_rewind:
 * @waiting: everything not confirmed goes to its front, in order
 *
 * The channel is gone: numbers begin at 1 again.
 */
void
elves_amqp_window_rewind (ElvesAmqpWindow *self, GQueue *waiting)
{
  for (guint64 number = self->next; number > self->first; number--)
    {
      ElvesAmqpEntry *entry = g_steal_pointer (slot (self, number - 1));
      if (entry == NULL)
        continue;
      entry->returned = FALSE;
      g_queue_push_head (waiting, entry);
    }
  elves_amqp_window_init (self);
}
