/* The callback of a task: what the request says of it, and the HTTP request that it becomes
 * (romens-client.md 6). Pure. */
#pragma once

#include "openapi/romens-members.h"

G_BEGIN_DECLS

typedef struct
{
  char *url, *method, *params, *content_type; /* as asked for, defaults filled in */
  gboolean is_async;
  char *target; /* the URL that is called */
  char *body;
  char *body_type;
} ElvesRomensCallback;

/* Faults are in @members; all fields are set in any case. */
void elves_romens_callback_read (ElvesRomensCallback *self, ElvesRomensMembers *members);
void elves_romens_callback_clear (ElvesRomensCallback *self);
/* Whether a request of that method has its parameters in the URL. */
gboolean elves_romens_callback_is_bodiless (const ElvesRomensCallback *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesRomensCallback, elves_romens_callback_clear)

G_END_DECLS
