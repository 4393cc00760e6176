/* The app `elves`: functions that the agent answers by itself, to see whether the whole path of a
 * job is open and what it costs without a process. It is there whatever apps.allowed says, and a
 * folder of that name is never looked at.
 *
 *   ping   answers its parameter, unchanged
 */
#include "agent/builtin.h"

#include "common/names.h"

/**
 * elves_builtin_is_meant:
 * @instruct: a request
 *
 * Returns: whether its app is the built-in one
 */
gboolean
elves_builtin_is_meant (const ElvesInstruct *instruct)
{
  return g_str_equal (instruct->app, ELVES_BUILTIN_APP);
}

/**
 * elves_builtin_run:
 * @instruct: a request for the built-in app
 *
 * Returns: (transfer full): its outcome
 */
ElvesReinstruct *
elves_builtin_run (ElvesInstruct *instruct)
{
  if (!g_str_equal (instruct->func, ELVES_BUILTIN_PING))
    return elves_reinstruct_failure (instruct, ELVES_REASON_INVALID,
                                     "the built-in app has no such function");
  ElvesReinstruct *answer = elves_reinstruct_new (instruct);
  answer->flag = 1;
  answer->result = g_bytes_ref (instruct->param);
  return answer;
}
