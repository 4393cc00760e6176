/* What went wrong, as RFC 9457 has it: application/problem+json. Pure.
 *
 * "code" is for programs, "detail" for people; neither has a path, an address or a stack of ours.
 */
#pragma once

#include "common/caller.h"

G_BEGIN_DECLS

#define ELVES_V3_PROBLEM_TYPE "application/problem+json"

typedef struct
{
  guint status;
  const char *code;   /* constant: "not-found" */
  const char *detail; /* constant, unless @said is meant */
} ElvesV3Problem;

/* (transfer full). @errors: (nullable): elements of the member "errors", as JSON. */
GString *
elves_v3_problem_write (guint status, const char *code, const char *detail, const GString *errors);

/* What a component's "[412.1]Queue Not Found" means. detail NULL: what the component says. */
ElvesV3Problem elves_v3_problem_of_text (const char *error_text);
/* Nobody was asked, or nobody has answered. */
ElvesV3Problem elves_v3_problem_of_call (const GError *error);
/* Of elves_auth_check(). */
ElvesV3Problem elves_v3_problem_of_auth (const char *error_text);

G_END_DECLS
