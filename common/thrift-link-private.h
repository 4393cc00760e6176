/* What the two parts of a link share: thrift-link.c opens, closes and waits, thrift-link-io.c moves
   bytes. */
#pragma once

#include "common/dial.h"
#include "common/error.h"
#include "common/thrift-link.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_LINK_CONNECTING,
  ELVES_LINK_OPEN,
  ELVES_LINK_CLOSED
} ElvesLinkState;

struct ElvesThriftLink
{
  ElvesPoller *poller;
  ElvesThriftLinkOptions options;
  ElvesThriftLinkCallbacks callbacks;
  gpointer user_data;
  ElvesLinkState state;
  ElvesDial *dial; /* (nullable) while connecting */
  int fd;
  ElvesWatch *watch;
  ElvesDeferred turn_end;

  ElvesThriftScan *scan;
  GByteArray *partial; /* (nullable): the message that has begun, scanned */
  GByteArray *backlog; /* (nullable): not scanned, begins with a message */
  gsize backlog_taken;

  GByteArray *output; /* (nullable) */
  gsize output_sent;

  gboolean paused;
  gboolean stalled;   /* bytes, or the end, have come that we do not read now */
  gboolean finishing; /* closes when the output is empty */
  gboolean taking;    /* inside take_bytes() */
  gboolean freed;     /* inside it, by the user */
  GError *failure;    /* closes at the end of the turn */
  gint64 last_activity_us;
};

/* The first failure counts; it closes the link at the end of the turn. */
void elves_thrift_link_set_failure (ElvesThriftLink *self,
                                    ElvesError code,
                                    const char *text,
                                    int error_number);
static inline gsize
elves_thrift_link_output_pending (const ElvesThriftLink *self)
{
  return self->output ? self->output->len - self->output_sent : 0;
}

static inline gboolean
elves_thrift_link_is_reading (const ElvesThriftLink *self)
{
  gsize pause_bytes = self->options.output_pause_bytes;
  return !self->paused && !self->finishing &&
         (pause_bytes == 0 || elves_thrift_link_output_pending (self) <= pause_bytes);
}

/* Both FALSE: the user freed the link from inside, it is gone. */
gboolean elves_thrift_link_take_backlog (ElvesThriftLink *self);
gboolean elves_thrift_link_read_some (ElvesThriftLink *self);

void elves_thrift_link_write_some (ElvesThriftLink *self);

G_END_DECLS
