/* The lines between the agent and a warm worker: elves-worker(7). Pure. */
#pragma once

#include "common/instruct.h"

G_BEGIN_DECLS

#define ELVES_WARM_PROTOCOL 1

typedef struct
{
  gboolean is_hello;
  guint concurrency; /* hello: calls that it takes at one time */
  guint64 call;      /* answer: of which call */
  gboolean flag;     /* answer */
  GBytes *result;    /* answer; of any content */
} ElvesWarmLine;

gboolean
elves_warm_line_parse (const char *text, gsize length, ElvesWarmLine *out_line, GError **error);
void elves_warm_line_clear (ElvesWarmLine *self);
void elves_warm_line_append_call (GByteArray *out,
                                  guint64 call,
                                  const ElvesInstruct *instruct,
                                  guint timeout_s);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesWarmLine, elves_warm_line_clear)

G_END_DECLS
