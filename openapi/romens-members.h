/* Reads the members of a request of the Romens scheduler client: by their names on the wire, or by
 * those of its documentation (romens-client.md 2). The first fault is kept, and later ones are
 * not; what is wrong reads as what is missing. Pure. */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

typedef struct
{
  const ElvesJsonObject *object;
  const ElvesJsonObject *callback; /* (nullable) */
  GError *error;                   /* (nullable) the first fault: ELVES_ERROR_INVALID */
} ElvesRomensMembers;

typedef struct
{
  const char *wire;
  const char *alias; /* (nullable) */
  const char *inner; /* (nullable) in the object "callback" */
} ElvesRomensName;

/* ABSENT also of what is null. */
ElvesJsonValue elves_romens_get (const ElvesRomensMembers *self, ElvesRomensName name);
/* (transfer full): "" of what is missing. A number is taken as its digits. */
char *elves_romens_text (ElvesRomensMembers *self, ElvesRomensName name);
/* A whole number from 0, or its digits as a text. */
gint64
elves_romens_number (ElvesRomensMembers *self, ElvesRomensName name, gint64 max, gint64 fallback);
/* @fallback: 1, 0, or -1 to know that it is missing. */
int elves_romens_flag (ElvesRomensMembers *self, ElvesRomensName name, int fallback);
void elves_romens_blame (ElvesRomensMembers *self, const char *member, const char *why);
/* Digits that are a number up to @max. */
gboolean elves_romens_parse_number (const char *text, gint64 max, gint64 *out_number);

G_END_DECLS
