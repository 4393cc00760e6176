/* A hash table by id, and a heap of those that have a next instant.
 *
 * The heap has four children a node: half as deep as with two, and the children share a cache line.
 * It keeps each entry's time beside its pointer, so that a comparison does not touch the entry.
 *
 * Costs: O(log n) to add, move and remove; 16 bytes a schedule for the heap and about 25 for the
 * hash table. */
#include "cron/timetable.h"

#define CHILDREN 4

typedef struct
{
  gint64 at_us;
  ElvesCronEntry *entry;
} Slot;

struct ElvesCronTimetable
{
  GHashTable *entries; /* of ElvesCronEntry, by its id */
  GArray *heap;        /* of Slot; the place of an entry is its index + 1 */
};

static Slot *
slot_at (ElvesCronTimetable *self, guint index)
{
  return &g_array_index (self->heap, Slot, index);
}

static void
put (ElvesCronTimetable *self, guint index, Slot slot)
{
  *slot_at (self, index) = slot;
  slot.entry->place = index + 1;
}

static void
sift_up (ElvesCronTimetable *self, guint index)
{
  Slot slot = *slot_at (self, index);
  while (index > 0)
    {
      guint parent = (index - 1) / CHILDREN;
      if (slot_at (self, parent)->at_us <= slot.at_us)
        break;
      put (self, index, *slot_at (self, parent));
      index = parent;
    }
  put (self, index, slot);
}

static guint
least_child (ElvesCronTimetable *self, guint index)
{
  guint first = index * CHILDREN + 1;
  guint end = MIN (first + CHILDREN, self->heap->len);
  guint least = first;
  for (guint child = first + 1; child < end; child++)
    if (slot_at (self, child)->at_us < slot_at (self, least)->at_us)
      least = child;
  return least;
}

static void
sift_down (ElvesCronTimetable *self, guint index)
{
  Slot slot = *slot_at (self, index);
  while (index * CHILDREN + 1 < self->heap->len)
    {
      guint child = least_child (self, index);
      if (slot.at_us <= slot_at (self, child)->at_us)
        break;
      put (self, index, *slot_at (self, child));
      index = child;
    }
  put (self, index, slot);
}

static void
heap_remove (ElvesCronTimetable *self, ElvesCronEntry *entry)
{
  guint index = entry->place - 1;
  Slot last = *slot_at (self, self->heap->len - 1);
  entry->place = 0;
  g_array_set_size (self->heap, self->heap->len - 1);
  if (last.entry == entry)
    return;
  put (self, index, last);
  sift_up (self, index);
  sift_down (self, last.entry->place - 1);
}

static void
heap_add (ElvesCronTimetable *self, ElvesCronEntry *entry)
{
  Slot slot = { entry->next_us, entry };
  g_array_append_val (self->heap, slot);
  sift_up (self, self->heap->len - 1);
}

ElvesCronTimetable *
elves_cron_timetable_new (void)
{
  ElvesCronTimetable *self = g_new0 (ElvesCronTimetable, 1);
  self->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal,
                                         (GDestroyNotify) elves_cron_entry_free, NULL);
  self->heap = g_array_new (FALSE, FALSE, sizeof (Slot));
  return self;
}

/**
 * elves_cron_timetable_free:
 * @self: (nullable)
 */
void
elves_cron_timetable_free (ElvesCronTimetable *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->heap);
  g_hash_table_unref (self->entries);
  g_free (self);
}

/**
 * elves_cron_timetable_add:
 * @entry: (transfer full): planned
 */
void
elves_cron_timetable_add (ElvesCronTimetable *self, ElvesCronEntry *entry)
{
  elves_cron_timetable_remove (self, entry->id);
  g_hash_table_add (self->entries, entry);
  elves_cron_timetable_moved (self, entry);
}

ElvesCronEntry *
elves_cron_timetable_steal (ElvesCronTimetable *self, guint64 id)
{
  ElvesCronEntry *entry = elves_cron_timetable_find (self, id);
  if (entry == NULL)
    return NULL;
  if (entry->place != 0)
    heap_remove (self, entry);
  g_hash_table_steal (self->entries, &id);
  return entry;
}

gboolean
elves_cron_timetable_remove (ElvesCronTimetable *self, guint64 id)
{
  g_autoptr (ElvesCronEntry) entry = elves_cron_timetable_steal (self, id);
  return entry != NULL;
}

ElvesCronEntry *
elves_cron_timetable_find (ElvesCronTimetable *self, guint64 id)
{
  return g_hash_table_lookup (self->entries, &id);
}

void
elves_cron_timetable_moved (ElvesCronTimetable *self, ElvesCronEntry *entry)
{
  if (entry->next_us == ELVES_SCHEDULE_NEVER)
    {
      if (entry->place != 0)
        heap_remove (self, entry);
      return;
    }
  if (entry->place == 0)
    {
      heap_add (self, entry);
      return;
    }
  slot_at (self, entry->place - 1)->at_us = entry->next_us;
  sift_up (self, entry->place - 1);
  sift_down (self, entry->place - 1);
}

ElvesCronEntry *
elves_cron_timetable_first (ElvesCronTimetable *self)
{
  return self->heap->len > 0 ? slot_at (self, 0)->entry : NULL;
}

guint
elves_cron_timetable_size (ElvesCronTimetable *self)
{
  return g_hash_table_size (self->entries);
}
