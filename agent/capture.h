/* One output of a worker: a pipe that is read as long as somebody holds its other end, of which a
   bounded part is kept and all is counted. Main thread only. */
#pragma once

#include "common/poller.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_CAPTURE_BEGINNING,
  ELVES_CAPTURE_END
} ElvesCaptureKeep;

typedef void (*ElvesCaptureFunc) (gpointer user_data); /* something was read, or the end */
typedef void (*ElvesCaptureSink) (const guint8 *bytes, gsize length, gpointer user_data);

/* Embedded; zero-filled except for fd: -1. */
typedef struct
{
  ElvesWatch *watch;
  ElvesCaptureFunc func;
  gpointer user_data;
  int fd; /* -1: ended, or never opened */
  GByteArray *kept;
  gsize limit_bytes;
  ElvesCaptureKeep keep;
  ElvesCaptureSink sink; /* (nullable) gets all; then nothing is kept. Does not clear this */
  gpointer sink_data;
  guint64 n_bytes; /* all that was read */
} ElvesCapture;

void elves_capture_init (ElvesCapture *self, ElvesCaptureKeep keep, gsize limit_bytes);
void elves_capture_clear (ElvesCapture *self);
int elves_capture_open (ElvesCapture *self);
void elves_capture_watch (ElvesCapture *self,
                          ElvesPoller *poller,
                          ElvesCaptureFunc func,
                          gpointer user_data);
void elves_capture_read (ElvesCapture *self);
void elves_capture_close (ElvesCapture *self);
gboolean elves_capture_has_ended (const ElvesCapture *self);
GBytes *elves_capture_take (ElvesCapture *self);

G_END_DECLS
