/* Members of requests, wherever they stand, as values of C: one rule for each kind of value. Pure.
 */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

/* A refusal; all NULL: none. */
typedef struct
{
  const char *error_text; /* "[403.1]Request Params (ip) Illegal", static */
  char *detail;
} ElvesRefusal;

void elves_refusal_clear (ElvesRefusal *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesRefusal, elves_refusal_clear)

#define ELVES_QUEUE_FAULT_IP "[403.1]Request Params (ip) Illegal"
#define ELVES_QUEUE_FAULT_APP "[403.3]Request Params (app) Illegal"
#define ELVES_QUEUE_FAULT_MODE "[403.4]Request Params (mode) Illegal"
#define ELVES_QUEUE_FAULT_FUNC "[403.7]Request Params (func) Illegal"
#define ELVES_QUEUE_FAULT_TIMEOUT "[403.8]Request Params (timeout) Illegal"
#define ELVES_QUEUE_FAULT_OTHER "[500]Request Params Illegal"

#define ELVES_QUEUE_MAX_TIMEOUT_S 2147483 /* as the scheduler takes it */

/* Returns FALSE. The detail: "MEMBER: expected EXPECTED". */
gboolean elves_queue_refuse (ElvesRefusal *refusal,
                             const char *error_text,
                             const char *member,
                             const char *expected);

/* A member, and what it is called in a refusal. */
typedef struct
{
  ElvesJsonValue value;
  const char *name;
} ElvesQueueMember;

/* Each (transfer full); NULL: refused. Not trimmed: parameters are the caller's. */
char *elves_queue_member_text (ElvesQueueMember member, ElvesRefusal *refusal);
/* Trimmed, and not empty. @fault: said when it is */
char *elves_queue_member_word (ElvesQueueMember member, const char *fault, ElvesRefusal *refusal);
/* @fallback: of what is absent or null. @max_bytes: longer is refused */
char *elves_queue_member_optional (ElvesQueueMember member,
                                   const char *fallback,
                                   gsize max_bytes,
                                   ElvesRefusal *refusal);
/* "P" or "NP", by all the names that modes have had. */
char *elves_queue_member_mode (ElvesQueueMember member, ElvesRefusal *refusal);
/* A whole number, as a number or a text; @fallback: of what is absent or null. */
gboolean elves_queue_member_number (ElvesQueueMember member,
                                    gint64 min,
                                    gint64 max,
                                    gint64 fallback,
                                    gint64 *out_number,
                                    ElvesRefusal *refusal);

G_END_DECLS
