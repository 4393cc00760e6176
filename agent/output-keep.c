/* The output of jobs that ended a moment ago.
 *
 * Who reads what a job prints asks again and again, and would lose the last part of it. No byte is
 * copied: the runner's own is kept. What is over the limit goes, oldest first; one that is larger
 * than the limit is not kept. The timer is coarse: it looks once a second. Main thread only. */
#include "agent/output-keep.h"

#define ENTRY_BYTES 256 /* roughly, beside the output */

typedef struct
{
  ElvesInstruct *instruct;
  GBytes *output;
  guint64 total_bytes;
  gint64 until_us;
  GList place;
} Entry;

struct ElvesOutputKeep
{
  ElvesDeadlines *deadlines;
  ElvesDeadline timer;
  gint64 keep_us;
  guint64 limit_bytes, bytes;
  GQueue entries;     /* of Entry, by its place: oldest first */
  GHashTable *by_key; /* execution key -> Entry */
};

/**
 * elves_output_keep_new:
 * @deadlines: must outlive it
 * @keep_s: for so long, in seconds; 0: nothing is kept
 * @limit_bytes: of all together
 *
 * Returns: (transfer full): it, empty
 */
ElvesOutputKeep *
elves_output_keep_new (ElvesDeadlines *deadlines, guint keep_s, guint64 limit_bytes)
{
  ElvesOutputKeep *self = g_new0 (ElvesOutputKeep, 1);
  self->deadlines = deadlines;
  self->keep_us = keep_s * (gint64) G_USEC_PER_SEC;
  self->limit_bytes = limit_bytes;
  self->by_key = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

static guint64
size_of (GBytes *output)
{
  return g_bytes_get_size (output) + ENTRY_BYTES;
}

static void
drop_oldest (ElvesOutputKeep *self)
{
  Entry *entry = g_queue_pop_head_link (&self->entries)->data;
  const char *key = entry->instruct->execution;
  if (key != NULL && g_hash_table_lookup (self->by_key, key) == entry)
    g_hash_table_remove (self->by_key, key);
  self->bytes -= size_of (entry->output);
  elves_instruct_unref (entry->instruct);
  g_bytes_unref (entry->output);
  g_free (entry);
}

/**
 * elves_output_keep_free:
 * @self: (nullable): it
 */
void
elves_output_keep_free (ElvesOutputKeep *self)
{
  if (self == NULL)
    return;
  elves_deadlines_disarm (self->deadlines, &self->timer);
  while (self->entries.length > 0)
    drop_oldest (self);
  g_hash_table_unref (self->by_key);
  g_free (self);
}

static void
on_due (ElvesDeadline *timer, gpointer user_data)
{
  ElvesOutputKeep *self = user_data;
  gint64 now_us = g_get_monotonic_time ();
  while (self->entries.length > 0 && ((Entry *) self->entries.head->data)->until_us <= now_us)
    drop_oldest (self);
  if (self->entries.length > 0)
    elves_deadlines_arm (self->deadlines, &self->timer, now_us + G_USEC_PER_SEC, on_due, self);
}

/**
 * elves_output_keep_add:
 * @self: (nullable): it
 * @instruct: of a job that has ended; a reference is taken
 * @output: its beginning; a reference is taken
 * @total_bytes: all that it has printed
 */
void
elves_output_keep_add (ElvesOutputKeep *self,
                       ElvesInstruct *instruct,
                       GBytes *output,
                       guint64 total_bytes)
{
  if (self == NULL || self->keep_us == 0 || total_bytes == 0 ||
      size_of (output) > self->limit_bytes)
    return;
  Entry *entry = g_new0 (Entry, 1);
  entry->instruct = elves_instruct_ref (instruct);
  entry->output = g_bytes_ref (output);
  entry->total_bytes = total_bytes;
  entry->until_us = g_get_monotonic_time () + self->keep_us;
  entry->place.data = entry;
  if (self->entries.length == 0)
    elves_deadlines_arm (self->deadlines, &self->timer, entry->until_us, on_due, self);
  g_queue_push_tail_link (&self->entries, &entry->place);
  if (instruct->execution != NULL)
    g_hash_table_replace (self->by_key, entry->instruct->execution, entry);
  self->bytes += size_of (output);
  while (self->bytes > self->limit_bytes)
    drop_oldest (self);
}

static const Entry *
find (const ElvesOutputKeep *self, const ElvesInstruct *question)
{
  if (question->execution != NULL && question->execution[0] != '\0')
    return g_hash_table_lookup (self->by_key, question->execution);
  for (const GList *place = self->entries.tail; place != NULL; place = place->prev)
    if (elves_instruct_names (question, ((const Entry *) place->data)->instruct))
      return place->data;
  return NULL;
}

/**
 * elves_output_keep_find:
 * @self: it
 * @question: names a job
 * @out_printed: what it has printed
 *
 * Returns: whether it is still there
 */
gboolean
elves_output_keep_find (const ElvesOutputKeep *self,
                        const ElvesInstruct *question,
                        ElvesPrinted *out_printed)
{
  const Entry *entry = find (self, question);
  if (entry == NULL)
    return FALSE;
  out_printed->kept = g_bytes_get_data (entry->output, &out_printed->kept_bytes);
  out_printed->total_bytes = entry->total_bytes;
  return TRUE;
}
