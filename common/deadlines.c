/* A binary heap of embedded deadlines behind one GSource.
 *
 * Promises: a deadline fires once, at or after its time, from the main loop, and is disarmed before
 * its function is called, so that the function may arm it again or free what holds it. Arming and
 * disarming cost O(log n). The heap owns nothing. */
#include "common/deadlines.h"

struct ElvesDeadlines
{
  GPtrArray *heap; /* of ElvesDeadline, not owned; entry i has place i + 1 */
  GSource *source;
};

typedef struct
{
  GSource base;
  ElvesDeadlines *deadlines;
} Timer;

static void
put (ElvesDeadlines *self, guint place, ElvesDeadline *deadline)
{
  self->heap->pdata[place - 1] = deadline;
  deadline->place = place;
}

static ElvesDeadline *
at (const ElvesDeadlines *self, guint place)
{
  return self->heap->pdata[place - 1];
}

static void
sift_up (ElvesDeadlines *self, ElvesDeadline *deadline)
{
  guint place = deadline->place;

  while (place > 1 && at (self, place / 2)->at_us > deadline->at_us)
    {
      put (self, place, at (self, place / 2));
      place /= 2;
    }
  put (self, place, deadline);
}

static void
sift_down (ElvesDeadlines *self, ElvesDeadline *deadline)
{
  guint place = deadline->place;

  for (;;)
    {
      guint child = place * 2;

      if (child > self->heap->len)
        break;
      if (child < self->heap->len && at (self, child + 1)->at_us < at (self, child)->at_us)
        child++;
      if (at (self, child)->at_us >= deadline->at_us)
        break;
      put (self, place, at (self, child));
      place = child;
    }
  put (self, place, deadline);
}

static void
take_out (ElvesDeadlines *self, ElvesDeadline *deadline)
{
  guint place = deadline->place;
  ElvesDeadline *last = at (self, self->heap->len);

  g_ptr_array_set_size (self->heap, (int) self->heap->len - 1);
  deadline->place = 0;
  if (last == deadline)
    return;
  put (self, place, last);
  sift_up (self, last);
  sift_down (self, last);
}

/* The loop asks before it sleeps. g_source_set_ready_time() would wake it instead, by a write to
   itself, whenever the nearest deadline changes: for a job alone, several times. */
static gboolean
prepare (GSource *source, int *out_timeout_ms)
{
  const ElvesDeadlines *self = ((Timer *) source)->deadlines;
  gint64 left_us;

  *out_timeout_ms = -1;
  if (self->heap->len == 0)
    return FALSE;
  left_us = at (self, 1)->at_us - g_source_get_time (source);
  *out_timeout_ms = (int) CLAMP ((left_us + 999) / 1000, 0, G_MAXINT);
  return left_us <= 0;
}

static gboolean
check (GSource *source)
{
  const ElvesDeadlines *self = ((Timer *) source)->deadlines;

  return self->heap->len > 0 && at (self, 1)->at_us <= g_source_get_time (source);
}

/* Only what was due when the turn began: a function that arms itself in the past does not keep the
   loop here. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ElvesDeadlines *self = ((Timer *) source)->deadlines;
  gint64 now_us = g_source_get_time (source);

  g_source_ref (source);
  while (!g_source_is_destroyed (source) && self->heap->len > 0 && at (self, 1)->at_us <= now_us)
    {
      ElvesDeadline *deadline = at (self, 1);

      take_out (self, deadline);
      deadline->func (deadline, deadline->user_data);
    }
  g_source_unref (source);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };

/**
 * elves_deadlines_new:
 *
 * Returns: (transfer full): an empty set, its timer on the thread-default main context.
 */
ElvesDeadlines *
elves_deadlines_new (void)
{
  ElvesDeadlines *self = g_new0 (ElvesDeadlines, 1);

  self->heap = g_ptr_array_new ();
  self->source = g_source_new (&source_funcs, sizeof (Timer));
  ((Timer *) self->source)->deadlines = self;
  g_source_set_static_name (self->source, "elves-deadlines");
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

/**
 * elves_deadlines_free:
 * @self: (nullable): the set; what is still armed never fires.
 */
void
elves_deadlines_free (ElvesDeadlines *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < self->heap->len; i++)
    at (self, i + 1)->place = 0;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_ptr_array_unref (self->heap);
  g_free (self);
}

/**
 * elves_deadlines_arm:
 * @self: the set.
 * @deadline: the deadline; when it is armed already its time and function are replaced.
 * @at_us: when, in the time of g_get_monotonic_time().
 * @func: called once, then.
 * @user_data: for @func.
 */
void
elves_deadlines_arm (ElvesDeadlines *self,
                     ElvesDeadline *deadline,
                     gint64 at_us,
                     ElvesDeadlineFunc func,
                     gpointer user_data)
{
  if (deadline->place != 0)
    take_out (self, deadline);

  deadline->at_us = at_us;
  deadline->func = func;
  deadline->user_data = user_data;
  g_ptr_array_add (self->heap, deadline);
  deadline->place = self->heap->len;
  sift_up (self, deadline);
}

/**
 * elves_deadlines_disarm:
 * @self: the set.
 * @deadline: a deadline; one that is not armed is fine.
 */
void
elves_deadlines_disarm (ElvesDeadlines *self, ElvesDeadline *deadline)
{
  if (deadline->place != 0)
    take_out (self, deadline);
}
