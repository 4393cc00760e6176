/* run_until (condition): turns the default main context until @condition holds; fails the test
   after a minute: how long it takes is not what is tested. */
#pragma once

#include <glib.h>

static inline gboolean
on_run_until_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

#define run_until(condition)                                                                  \
  do                                                                                          \
    {                                                                                         \
      gint64 run_until_deadline = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;          \
      guint run_until_tick = g_timeout_add (20, on_run_until_tick, NULL);                     \
      gboolean run_until_done;                                                                \
      while (!(run_until_done = (condition)) && g_get_monotonic_time () < run_until_deadline) \
        g_main_context_iteration (NULL, TRUE);                                                \
      g_source_remove (run_until_tick);                                                       \
      if (!run_until_done)                                                                    \
        g_error ("%s:%d: never happened: %s", __FILE__, __LINE__, #condition);                \
    }                                                                                         \
  while (0)
