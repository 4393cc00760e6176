/* Every name that others see, and nothing else: exchange, queues, routing words, znodes. */
#pragma once

#define ELVES_DEFAULT_EXCHANGE "elves"
#define ELVES_DEFAULT_QUEUE "scheduler"
#define ELVES_BINDING_TWO_WORDS "*.scheduler"   /* from.to */
#define ELVES_BINDING_WHOLE_KEY "*.scheduler.#" /* a publisher that routes by the whole mqkey */

/* Of a message that a scheduler published again. */
#define ELVES_HEADER_EXECUTION "elves-execution" /* its key */
#define ELVES_HEADER_ATTEMPTS "elves-attempts"   /* how often it had to be given out again */
/* Of a message of a timed task. */
#define ELVES_HEADER_TASK "task"       /* its id */
#define ELVES_HEADER_PLANNED "planned" /* the instant, unix seconds */
#define ELVES_DEAD_QUEUE_SUFFIX ".dead"

/* Answers to dataTransport; not held: nothing is known here of a job whose message is held; not
   now: report it again. */
#define ELVES_RESULT_TAKEN "success"
#define ELVES_RESULT_NOT_HELD "not held"
#define ELVES_RESULT_NOT_NOW "not now"

#define ELVES_ZNODE_SCHEDULERS "scheduler" /* children: ten digits, ephemeral */
#define ELVES_ZNODE_AGENTS "agent"         /* children: the agent's ip, ephemeral */
#define ELVES_ZNODE_HEARTBEATS "heartbeat" /* children: ten digits, ephemeral; and the next */
#define ELVES_ZNODE_BEATS \
  "heartbeat/agent" /* children: the ip of an agent that beats, persistent */

#define ELVES_FEATURE_LISTS \
  "lists" /* in "features" of a znode: the list methods of idl/elves.thrift */

/* Methods of an agent: cancel, readOutput. */
#define ELVES_FEATURE_CANCEL "cancel"
#define ELVES_FEATURE_OUTPUT "output"

#define ELVES_ZNODE_CRON "cron/leader" /* children: candidates, ephemeral, by number */

#define ELVES_ENVIRONMENT_PREFIX "ELVES_"

#define ELVES_AGENT_TYPE "elves-c" /* "type" in the znode of our own agents */

#define ELVES_BUILTIN_APP "elves"
#define ELVES_BUILTIN_PING "ping"

#define ELVES_ERROR_TEXT_SYNC "[410.0]Send Job To Agent Fail"
#define ELVES_ERROR_TEXT_ASYNC "[410.1]Send Job To Agent Fail"
#define ELVES_ERROR_TEXT_UNSUPPORTED "[410.3]Agent Does Not Support It"
/* Ours, made alike: the interface leaves a request for an unknown action unanswered. */
#define ELVES_ERROR_TEXT_UNKNOWN_ACTION "[404.1]Action Not Found"
