/* The two structs of the Thrift interface as plain, immutable, reference-counted values.
   Texts are valid UTF-8 without NUL; param and result are bytes, because peers send any.
   Source of the fields: idl/elves.thrift. */
#pragma once

#include "common/reason.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *id;
  char *ip;
  char *type;
  char *mode;
  char *app;
  char *func;
  GBytes *param;    /* never NULL */
  gint32 timeout_s; /* <= 0: no limit */
  char *proxy;
  char *execution;      /* (nullable) */
  char *origin;         /* (nullable) host:port */
  gint32 seen_within_s; /* 0: unset */
  gboolean query_only;
  gboolean held; /* only the scheduler that has the message which asked takes the result */
} ElvesInstruct; /* every other text: never NULL, changed by elves_instruct_set() only */

ElvesInstruct *
elves_instruct_new (void); /* all texts "", param empty; fill the fields before sharing */
ElvesInstruct *elves_instruct_copy (const ElvesInstruct *self); /* an independent, writable copy */
ElvesInstruct *elves_instruct_ref (ElvesInstruct *self);
void elves_instruct_unref (ElvesInstruct *self);
/* Replaces a text; NULL becomes "". Not for execution and origin. */
void elves_instruct_set (char **field, const char *value);
void elves_instruct_take (char **field, char *value); /* the same; takes an allocated @value */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesInstruct, elves_instruct_unref)

/* Whether @job is what somebody names: by execution; without one by id, and a type ("": any). */
gboolean elves_instruct_names (const ElvesInstruct *question, const ElvesInstruct *job);

#define ELVES_STATE_UNSET (-1)

typedef struct
{
  ElvesInstruct *instruct; /* never NULL */
  gint32 flag;             /* 1 success, 0 the worker said no, -1 could not be run or known */
  gint32 cost_ms;
  GBytes *result; /* (nullable): the peer sent none */
  gint32 state;   /* 0-4, or ELVES_STATE_UNSET */
  ElvesReason reason;
  gint32 exit_status;  /* -1: unset */
  gint32 killed;       /* processes killed at the end; -1: unset */
  gint32 survivors;    /* processes that live on; -1: unset */
  gint64 output_bytes; /* -1: unset */
  gboolean truncated;
} ElvesReinstruct;

ElvesReinstruct *
elves_reinstruct_new (ElvesInstruct *instruct); /* takes a reference; flag 0, rest unset */
ElvesReinstruct *
elves_reinstruct_failure (ElvesInstruct *instruct, ElvesReason reason, const char *text);
ElvesReinstruct *elves_reinstruct_ref (ElvesReinstruct *self);
void elves_reinstruct_unref (ElvesReinstruct *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesReinstruct, elves_reinstruct_unref)

G_END_DECLS
