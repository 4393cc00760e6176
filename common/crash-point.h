/* Places at which a test lets a daemon die, stop, or break a promise. Without the environment
   variables that name them they do nothing. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* ELVES_CRASH=NAME[:NTH[:kill|stop]]: the NTH time (1, the default: the first) that this process
   passes the point of that name it sends itself SIGKILL, or SIGSTOP. Names:
   scheduler: after-consume before-send after-send before-confirm before-ack
   agent:     after-accept before-fsync after-start after-finish after-report
   cron, queue: component-after-consume component-before-confirm before-commit after-commit
   queue:     queue-before-publish queue-before-sent
   cron:      cron-after-record cron-before-mark
   openapi:   openapi-before-ask openapi-before-answer */
#define ELVES_CRASH_POINT(name) elves_crash_point (name)

void elves_crash_point (const char *name);

/* ELVES_BREAK=NAME[:EVERY]: TRUE each EVERYth time (1, the default: always) that this process asks
   for that name: so that a test of the promises can be seen to fail. Names:
   scheduler: answer-before-confirm (a result is answered with success and then forgotten)
   agent:     start-twice (an execution that is known is started again)
   queue:     new-key (a task that is sent again has another key)
   cron:      forget-callback (a callback counts as taken, and was not sent)
              new-call-key (a callback that is tried again has another key) */
gboolean elves_break_promise (const char *name);

G_END_DECLS
