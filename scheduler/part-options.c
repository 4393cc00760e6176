/* From the keys of the configuration to the options of each part, and the limits that have no key.
 */
#include "scheduler/part-options.h"

enum
{
  MESSAGE_TIMEOUT_S = 60,
  SEEN_GRACE_S = 60, /* beyond mq.ackTimeout: on its way, in queues, clocks */
  LIST_ITEMS = 10000,
  NESTING = 32
};

static ElvesThriftLinkOptions
link_options (const ElvesSchedulerConfig *config)
{
  return (ElvesThriftLinkOptions){
    .limits = {
      .message_bytes = config->thrift_max_message_bytes,
      .string_bytes = config->thrift_max_message_bytes,
      .list_items = LIST_ITEMS,
      .depth = NESTING,
    },
    .connect_timeout_ms = config->thrift_timeout_ms,
    .output_limit_bytes = 2 * config->thrift_max_message_bytes,
  };
}

/**
 * elves_part_options_rules:
 * @config: the configuration.
 *
 * Returns: what messages are read and written by.
 */
ElvesMessageRules
elves_part_options_rules (const ElvesSchedulerConfig *config)
{
  gboolean own_type = *config->mq_reply_content_type != '\0';

  return (ElvesMessageRules){
    .exchange = config->mq_exchange,
    .default_timeout_s = config->job_default_timeout_s,
    .legacy_timeout_ms = config->legacy_timeout_unit == ELVES_TIMEOUT_UNIT_MS,
    .max_message_bytes = config->mq_max_message_bytes,
    .reply_content_type = own_type ? config->mq_reply_content_type : NULL,
  };
}

/**
 * elves_part_options_pool:
 * @config: the configuration.
 *
 * Returns: how calls go to agents.
 */
ElvesAgentPoolOptions
elves_part_options_pool (const ElvesSchedulerConfig *config)
{
  return (ElvesAgentPoolOptions){
    .link = link_options (config),
    .call_timeout_ms = config->thrift_timeout_ms,
    .idle_s = config->thrift_idle_s,
    .max_lines = config->agents_max_links,
    .max_waiting = config->agents_max_waiting,
    .max_batch = config->agents_max_batch,
    .max_list_bytes = config->agents_max_list_bytes,
    .max_in_flight = config->agents_max_in_flight,
  };
}

/**
 * elves_part_options_errands:
 * @config: the configuration.
 *
 * Returns: how errands go to agents.
 */
ElvesErrandOptions
elves_part_options_errands (const ElvesSchedulerConfig *config)
{
  return (ElvesErrandOptions){
    .link = link_options (config),
    .timeout_ms = config->thrift_timeout_ms,
    .idle_s = config->thrift_idle_s,
    .max_links = config->agents_max_links,
  };
}

/**
 * elves_part_options_server:
 * @config: the configuration.
 *
 * Returns: where agents report results, but not which ones may.
 */
ElvesThriftServerOptions
elves_part_options_server (const ElvesSchedulerConfig *config)
{
  return (ElvesThriftServerOptions){
    .host = config->thrift_listen,
    .port = (guint16) config->thrift_scheduler_port,
    .max_connections = config->thrift_max_connections,
    .message_timeout_s = MESSAGE_TIMEOUT_S,
    .link = link_options (config),
  };
}

/**
 * elves_part_options_keeper:
 * @config: the configuration.
 * @dead_queue: where messages are put aside; must outlive the options.
 *
 * Returns: how long jobs may take, and what is done then.
 */
ElvesKeeperOptions
elves_part_options_keeper (const ElvesSchedulerConfig *config, const char *dead_queue)
{
  return (ElvesKeeperOptions){
    .queue = config->mq_queue,
    .dead_queue = dead_queue,
    .prefetch = config->mq_prefetch,
    .ack_timeout_s = config->mq_ack_timeout_s,
    .recheck_s = config->job_recheck_s,
    .lost_after_s = config->agents_lost_after_s,
    .grace_s = config->job_grace_s,
    .retry_first_ms = config->retry_first_ms,
    .retry_cap_ms = config->retry_cap_ms,
  };
}

/**
 * elves_part_options_dispatch:
 * @config: the configuration.
 *
 * Returns: which agents are called.
 */
ElvesDispatchOptions
elves_part_options_dispatch (const ElvesSchedulerConfig *config)
{
  return (ElvesDispatchOptions){
    .dial_unregistered = elves_scheduler_config_dials_unregistered (config),
    .agent_port = (guint16) config->thrift_agent_port,
    .call_timeout_ms = config->thrift_timeout_ms,
  };
}

/**
 * elves_part_options_intake:
 * @config: the configuration.
 * @origin: "host:port" where agents shall report to; must outlive the options.
 *
 * Returns: what is done with messages given out again.
 */
ElvesIntakeOptions
elves_part_options_intake (const ElvesSchedulerConfig *config, const char *origin)
{
  return (ElvesIntakeOptions){
    .origin = origin,
    .queue = config->mq_queue,
    .max_attempts = config->mq_max_attempts,
    .seen_within_s = (gint32) (config->mq_ack_timeout_s + SEEN_GRACE_S),
  };
}
