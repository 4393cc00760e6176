/* The two pipes of a warm worker: bytes that wait for its input, and its output cut into lines. */
#pragma once

#include "common/poller.h"

G_BEGIN_DECLS

typedef void (*ElvesWarmDeafFunc) (gpointer user_data); /* nobody reads; it is closed */

/* Embedded. Only what was appended waits, so its owner bounds it. */
typedef struct
{
  ElvesPoller *poller;
  int fd; /* -1: closed */
  ElvesWatch *watch;
  GByteArray *unsent;
  ElvesWarmDeafFunc deaf;
  gpointer user_data;
} ElvesWarmInput;

int elves_warm_input_open (ElvesWarmInput *self,
                           ElvesPoller *poller,
                           ElvesWarmDeafFunc deaf,
                           gpointer user_data);
gboolean elves_warm_input_is_open (const ElvesWarmInput *self);
void elves_warm_input_flush (ElvesWarmInput *self);
void elves_warm_input_close (ElvesWarmInput *self);
void elves_warm_input_clear (ElvesWarmInput *self);

/* @text: without its end. FALSE: no more lines are wanted. */
typedef gboolean (*ElvesWarmLineFunc) (const char *text, gsize length, gpointer user_data);

/* Embedded. */
typedef struct
{
  GByteArray *begun; /* a line whose end has not come */
  gsize limit_bytes;
} ElvesWarmLines;

void elves_warm_lines_init (ElvesWarmLines *self, gsize limit_bytes);
gboolean elves_warm_lines_take (ElvesWarmLines *self,
                                const guint8 *bytes,
                                gsize length,
                                ElvesWarmLineFunc func,
                                gpointer user_data);
void elves_warm_lines_clear (ElvesWarmLines *self);

G_END_DECLS
