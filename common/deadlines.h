/* Any number of deadlines, one timer: a heap with the nearest on top, and one GSource that wakes
   then. A GSource for each would make every turn of the loop cost O(deadlines). Main thread only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesDeadlines ElvesDeadlines;
typedef struct ElvesDeadline ElvesDeadline;

typedef void (*ElvesDeadlineFunc) (ElvesDeadline *deadline, gpointer user_data);

/* Embedded in what waits; zero-filled: not armed. */
struct ElvesDeadline
{
  gint64 at_us; /* g_get_monotonic_time() */
  guint place;  /* in the heap, from 1; 0: not armed */
  ElvesDeadlineFunc func;
  gpointer user_data;
};

ElvesDeadlines *elves_deadlines_new (void); /* on the thread-default main context */
void elves_deadlines_free (ElvesDeadlines *self);

void elves_deadlines_arm (ElvesDeadlines *self,
                          ElvesDeadline *deadline,
                          gint64 at_us,
                          ElvesDeadlineFunc func,
                          gpointer user_data);
void elves_deadlines_disarm (ElvesDeadlines *self, ElvesDeadline *deadline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesDeadlines, elves_deadlines_free)

G_END_DECLS
