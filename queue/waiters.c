#include "queue/waiters.h"

#include "common/deadlines.h"

struct ElvesQueueWaiters
{
  guint limit, count;
  ElvesQueueWaiterFunc func;
  ElvesDeadlines *deadlines;
  GHashTable *queues; /* char * -> GQueue of Waiter, by its place */
};

typedef struct
{
  ElvesQueueWaiters *waiters;
  char *queue_id;
  gpointer data;
  ElvesDeadline deadline;
  GList place;
} Waiter;

/* Takes it out. Returns: what waited. */
static gpointer
take_out (Waiter *waiter)
{
  ElvesQueueWaiters *self = waiter->waiters;
  gpointer data = waiter->data;
  GQueue *list = g_hash_table_lookup (self->queues, waiter->queue_id);
  g_queue_unlink (list, &waiter->place);
  if (list->length == 0)
    g_hash_table_remove (self->queues, waiter->queue_id);
  elves_deadlines_disarm (self->deadlines, &waiter->deadline);
  self->count--;
  g_free (waiter->queue_id);
  g_free (waiter);
  return data;
}

static void
on_deadline (ElvesDeadline *deadline, gpointer user_data)
{
  Waiter *waiter = user_data;
  ElvesQueueWaiterFunc func = waiter->waiters->func;
  func (take_out (waiter), FALSE);
}

static void
list_free (gpointer list)
{
  g_queue_free (list);
}

ElvesQueueWaiters *
elves_queue_waiters_new (guint limit, ElvesQueueWaiterFunc func)
{
  ElvesQueueWaiters *self = g_new0 (ElvesQueueWaiters, 1);
  self->limit = limit;
  self->func = func;
  self->deadlines = elves_deadlines_new ();
  self->queues = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, list_free);
  return self;
}

/* All of one queue, or of all: those that come meanwhile are not called. */
static GPtrArray *
collect (ElvesQueueWaiters *self, const char *queue_id)
{
  GPtrArray *found = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key, list;
  g_hash_table_iter_init (&iter, self->queues);
  if (queue_id != NULL)
    {
      list = g_hash_table_lookup (self->queues, queue_id);
      for (GList *at = list != NULL ? ((GQueue *) list)->head : NULL; at != NULL; at = at->next)
        g_ptr_array_add (found, at->data);
      return found;
    }
  while (g_hash_table_iter_next (&iter, &key, &list))
    for (GList *at = ((GQueue *) list)->head; at != NULL; at = at->next)
      g_ptr_array_add (found, at->data);
  return found;
}

gboolean
elves_queue_waiters_add (ElvesQueueWaiters *self,
                         const char *queue_id,
                         gint64 until_us,
                         gpointer data)
{
  GQueue *list = g_hash_table_lookup (self->queues, queue_id);
  if (self->count >= self->limit)
    return FALSE;
  if (list == NULL)
    {
      list = g_queue_new ();
      g_hash_table_insert (self->queues, g_strdup (queue_id), list);
    }
  Waiter *waiter = g_new0 (Waiter, 1);
  waiter->waiters = self;
  waiter->queue_id = g_strdup (queue_id);
  waiter->data = data;
  waiter->place.data = waiter;
  g_queue_push_tail_link (list, &waiter->place);
  self->count++;
  elves_deadlines_arm (self->deadlines, &waiter->deadline, until_us, on_deadline, waiter);
  return TRUE;
}

void
elves_queue_waiters_wake (ElvesQueueWaiters *self, const char *queue_id)
{
  g_autoptr (GPtrArray) found = collect (self, queue_id);
  for (guint i = 0; i < found->len; i++)
    self->func (take_out (found->pdata[i]), TRUE);
}

/**
 * elves_queue_waiters_let_go:
 * @self: calls all of them: their time is over
 */
void
elves_queue_waiters_let_go (ElvesQueueWaiters *self)
{
  g_autoptr (GPtrArray) found = collect (self, NULL);
  for (guint i = 0; i < found->len; i++)
    self->func (take_out (found->pdata[i]), FALSE);
}

guint
elves_queue_waiters_count (const ElvesQueueWaiters *self)
{
  return self->count;
}

void
elves_queue_waiters_free (ElvesQueueWaiters *self)
{
  if (self == NULL)
    return;
  g_autoptr (GPtrArray) found = collect (self, NULL);
  for (guint i = 0; i < found->len; i++)
    take_out (found->pdata[i]);
  elves_deadlines_free (self->deadlines);
  g_hash_table_unref (self->queues);
  g_free (self);
}
