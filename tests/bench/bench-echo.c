/* bench-echo: the bare AMQP call, as the floor of what a call through Elves can cost.
 *
 * A child process consumes a durable queue and sends each message back to its sender: persistent,
 * confirmed, and acknowledged only when the answer is confirmed, which is what the scheduler
 * promises too (--transient: neither, acknowledged once it is answered). With --parts it is made of
 * the scheduler's consumer and publisher instead: the difference is what these cost. With --topic
 * requests come through a topic exchange bound as the scheduler's is, as the interface wants it:
 * the floor of anything that serves this interface. The parent keeps a window of calls outstanding
 * and prints one line of JSON.
 *
 * The broker's address: ELVES_TEST_MQ_* in the environment (tests/lib/with-services).
 */
#include "common/amqp-ledger.h"
#include "common/names.h"
#include "tests/bench/load.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVER_PREFETCH 500

typedef struct
{
  const ElvesAmqpSettings *settings;
  const ElvesAmqpTopology *topology;
  gboolean transient;
  int ready_fd; /* a byte is written when it serves */
} ServerPlan;

/* --- the server ------------------------------------------------------------------------------ */

typedef struct
{
  ElvesAmqpConnection *connection;
  ElvesAmqpLedger *ledger;
  guint64 tag;             /* of the delivery being received */
  guint64 confirmed_below; /* by `multiple` */
  gboolean transient;
  char *reply_to, *correlation_id;
  ElvesAmqpInput input;
} Server;

static void
on_settlement (guint64 tag, gboolean multiple, ElvesSettlement settlement, gpointer user_data)
{
  ElvesAmqpConnection *connection = user_data;
  amqp_basic_ack_t ack = { .delivery_tag = tag, .multiple = multiple };
  elves_amqp_output_add_method (&connection->output, ELVES_AMQP_CHANNEL, AMQP_BASIC_ACK_METHOD,
                                &ack);
}

/* Answers go out in the order of requests on the same channel: both have the same number. */
static void
take_confirmation (Server *self, const amqp_basic_ack_t *ack)
{
  guint64 first = ack->multiple ? self->confirmed_below : ack->delivery_tag;
  for (guint64 tag = first; tag <= ack->delivery_tag; tag++)
    elves_amqp_ledger_settle (self->ledger, tag, ELVES_SETTLE_ACK);
  if (ack->multiple)
    self->confirmed_below = ack->delivery_tag + 1;
}

static void
send_back (Server *self)
{
  g_autoptr (GBytes) body = elves_amqp_input_steal (&self->input);
  amqp_basic_publish_t publish = { .routing_key = amqp_cstring_bytes (self->reply_to) };
  amqp_basic_properties_t properties = {
    ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG,
    .delivery_mode = self->transient ? 1 : 2,
    .correlation_id = amqp_cstring_bytes (self->correlation_id)
  };
  ElvesAmqpOutput *output = &self->connection->output;
  elves_amqp_output_add_method (output, ELVES_AMQP_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish);
  elves_amqp_output_add_content (output, ELVES_AMQP_CHANNEL, &properties, body);
  elves_amqp_ledger_add (self->ledger, self->tag);
  if (self->transient)
    elves_amqp_ledger_settle (self->ledger, self->tag, ELVES_SETTLE_ACK);
}

static void
take_header (Server *self, const amqp_frame_t *frame)
{
  const amqp_basic_properties_t *properties = frame->payload.properties.decoded;
  g_free (self->reply_to);
  g_free (self->correlation_id);
  self->reply_to = g_strndup (properties->reply_to.bytes, properties->reply_to.len);
  self->correlation_id =
      g_strndup (properties->correlation_id.bytes, properties->correlation_id.len);
  elves_amqp_input_begin (&self->input, frame->payload.properties.body_size);
}

static void
take_server_frame (Server *self, const amqp_frame_t *frame)
{
  const amqp_method_t *method = &frame->payload.method;
  if (frame->frame_type == AMQP_FRAME_METHOD && method->id == AMQP_BASIC_DELIVER_METHOD)
    self->tag = ((const amqp_basic_deliver_t *) method->decoded)->delivery_tag;
  else if (frame->frame_type == AMQP_FRAME_METHOD && method->id == AMQP_BASIC_ACK_METHOD)
    take_confirmation (self, method->decoded);
  else if (frame->frame_type == AMQP_FRAME_HEADER)
    take_header (self, frame);
  else if (frame->frame_type == AMQP_FRAME_BODY)
    elves_amqp_input_add (&self->input, frame->payload.body_fragment, NULL);
  if (elves_amqp_input_is_whole (&self->input))
    send_back (self);
}

static void
serve (Server *self)
{
  ElvesAmqpConnection *connection = self->connection;
  while (TRUE)
    {
      amqp_frame_t frame;
      ElvesAmqpRead read;
      while ((read = elves_amqp_connection_read (connection, &frame, NULL)) ==
             ELVES_AMQP_READ_FRAME)
        take_server_frame (self, &frame);
      elves_amqp_ledger_flush (self->ledger, on_settlement, connection);
      if (read == ELVES_AMQP_READ_FAILED || !elves_amqp_connection_keep_alive (connection, NULL) ||
          !elves_amqp_output_send (&connection->output, connection->fd, NULL))
        return;
      gboolean sending = !elves_amqp_output_is_empty (&connection->output);
      struct pollfd poll_fd = { .fd = connection->fd, .events = POLLIN | (sending ? POLLOUT : 0) };
      if (poll (&poll_fd, 1, 1000) > 0)
        connection->received_us = g_get_monotonic_time ();
    }
}

/* The child: ends with its parent, or by it. */
static void
run_server (const ServerPlan *plan)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  g_autoptr (GError) error = NULL;
  Server self = { .confirmed_below = 1,
                  .ledger = elves_amqp_ledger_new (),
                  .transient = plan->transient };
  const ElvesAmqpTopology *topology = plan->topology;
  self.connection = elves_amqp_connection_open (plan->settings, "elves bench server", NULL, &error);
  if (self.connection == NULL ||
      !elves_amqp_connection_declare_exchange (self.connection, topology->exchange, &error) ||
      !elves_amqp_connection_declare_queue (self.connection, topology, &error) ||
      (!plan->transient && !elves_amqp_connection_select_confirms (self.connection, &error)) ||
      !elves_amqp_connection_consume (self.connection, topology->queue, topology->prefetch, "echo",
                                      &error))
    {
      g_printerr ("bench-echo: %s\n", error->message);
      _exit (1);
    }
  if (write (plan->ready_fd, "r", 1) == 1)
    serve (&self);
  _exit (0);
}

/* --- the server made of the scheduler's parts ------------------------------------------------- */

typedef struct
{
  ElvesAmqpConsumer *consumer;
  ElvesAmqpPublisher *publisher;
  int ready_fd;
} Parts;

typedef struct
{
  Parts *parts;
  guint64 epoch, tag;
} Request;

static void
on_published (gboolean routed, gpointer user_data)
{
  Request *request = user_data;
  elves_amqp_consumer_ack (request->parts->consumer, request->epoch, request->tag);
  g_free (request);
}

static void
on_deliveries (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data)
{
  Parts *self = user_data;
  for (guint i = 0; i < deliveries->len; i++)
    {
      ElvesDelivery *delivery = deliveries->pdata[i];
      ElvesPublication *answer = g_new0 (ElvesPublication, 1);
      answer->exchange = g_strdup ("");
      answer->routing_key = g_steal_pointer (&delivery->reply_to);
      answer->correlation_id = g_steal_pointer (&delivery->correlation_id);
      answer->body = g_steal_pointer (&delivery->body);
      Request *request = g_new (Request, 1);
      *request = (Request){ .parts = self, .epoch = delivery->epoch, .tag = delivery->tag };
      elves_amqp_publisher_publish (self->publisher, answer, on_published, request);
    }
}

static void
on_consumer_state (ElvesAmqpConsumer *consumer,
                   guint64 epoch,
                   const GError *error,
                   gpointer user_data)
{
  Parts *self = user_data;
  if (error == NULL && write (self->ready_fd, "r", 1) == 1)
    return;
  g_printerr ("bench-echo: %s\n", error == NULL ? "nobody waits" : error->message);
  _exit (1);
}

static void
run_parts (const ServerPlan *plan)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  Parts self = { .ready_fd = plan->ready_fd };
  ElvesAmqpConsumerCallbacks callbacks = { .deliveries = on_deliveries,
                                           .state = on_consumer_state };
  self.publisher =
      elves_amqp_publisher_new (plan->settings, plan->topology, !plan->transient, NULL, NULL);
  self.consumer = elves_amqp_consumer_new (plan->settings, plan->topology, &callbacks, &self);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
  _exit (0);
}

/* --- the client ------------------------------------------------------------------------------ */

/* As long as a flat sendSync message. */
static char *
make_request (const char *id, gpointer user_data)
{
  return g_strdup_printf ("{\"mqkey\":\"bench.echo.sendSync.%s\",\"mqtype\":\"cast\","
                          "\"id\":\"%s\",\"agent_ip\":\"127.0.0.1\",\"mode\":\"sap\","
                          "\"app\":\"elves\",\"func\":\"ping\",\"param\":\"%0120d\","
                          "\"proxy\":\"\",\"timeout\":10}",
                          id, id, 0);
}

static double
cpu_of_us (pid_t pid)
{
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid (pid, &clock) != 0 || clock_gettime (clock, &time) != 0)
    return -1;
  return (double) time.tv_sec * 1e6 + (double) time.tv_nsec / 1e3;
}

static void
delete_traces (const ElvesAmqpSettings *settings, const ElvesAmqpTopology *topology)
{
  g_autoptr (ElvesAmqpConnection) connection =
      elves_amqp_connection_open (settings, "elves bench", NULL, NULL);
  if (connection == NULL)
    return;
  amqp_queue_delete (connection->handle, ELVES_AMQP_CHANNEL, amqp_cstring_bytes (topology->queue),
                     0, 0);
  if (*topology->exchange != '\0')
    amqp_exchange_delete (connection->handle, ELVES_AMQP_CHANNEL,
                          amqp_cstring_bytes (topology->exchange), 0);
  elves_amqp_connection_close (connection, 1000);
}

static gboolean
measure (const ElvesAmqpSettings *settings,
         const LoadPlan *plan,
         const char *name,
         pid_t server,
         GError **error)
{
  LoadResult result;
  double begin_us = cpu_of_us (server);
  if (!load_run (settings, plan, &result, error))
    return FALSE;
  double server_us = (cpu_of_us (server) - begin_us) / (double) MAX (result.calls, 1);
  load_print (name, plan->window, &result, server_us);
  return TRUE;
}

int
main (int argc, char **argv)
{
  int window = 64;
  double seconds = 3;
  gint64 calls = 0;
  gboolean quorum = FALSE, parts = FALSE, transient = FALSE, topic = FALSE;
  GOptionEntry options[] = {
    { "window", 'w', 0, G_OPTION_ARG_INT, &window, "Calls outstanding (64)", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long (3)", "S" },
    { "calls", 'n', 0, G_OPTION_ARG_INT64, &calls, "So many calls", "N" },
    { "quorum", 0, 0, G_OPTION_ARG_NONE, &quorum, "Use a quorum queue", NULL },
    { "transient", 0, 0, G_OPTION_ARG_NONE, &transient, "Neither persistent nor confirmed", NULL },
    { "parts", 'p', 0, G_OPTION_ARG_NONE, &parts, "Serve by the scheduler's consumer and publisher",
      NULL },
    { "topic", 0, 0, G_OPTION_ARG_NONE, &topic,
      "Requests through a topic exchange, as the scheduler's", NULL },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- the bare AMQP call");
  g_option_context_add_main_entries (context, options, NULL);
  g_autoptr (GError) error = NULL;
  ElvesAmqpSettings settings;
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !load_settings_from_environment (&settings, &error))
    {
      g_printerr ("bench-echo: %s\n", error->message);
      return 2;
    }

  g_autofree char *queue = g_strdup_printf ("elves-bench-echo-%d", getpid ());
  static const char *const bindings[] = { ELVES_BINDING_TWO_WORDS, ELVES_BINDING_WHOLE_KEY, NULL };
  ElvesAmqpTopology topology = { .exchange = topic ? queue : "",
                                 .queue = queue,
                                 .bindings = topic ? bindings : NULL,
                                 .quorum = quorum,
                                 .prefetch = SERVER_PREFETCH };
  int ready[2];
  if (pipe (ready) != 0)
    return 1;
  pid_t server = fork ();
  if (server == 0)
    (parts ? run_parts : run_server) (&(ServerPlan){ &settings, &topology, transient, ready[1] });
  close (ready[1]);
  char byte;
  if (read (ready[0], &byte, 1) != 1)
    return 1;

  LoadPlan plan = { .exchange = topology.exchange,
                    .routing_key = topic ? "bench.scheduler" : queue,
                    .id_key = "\"id\":\"",
                    .request = make_request,
                    .transient = transient,
                    .window = (guint) window,
                    .calls = (guint64) calls,
                    .seconds = seconds };
  gboolean done = measure (&settings, &plan, parts ? "echo-parts" : "echo", server, &error);
  if (!done)
    g_printerr ("bench-echo: %s\n", error->message);
  kill (server, SIGKILL);
  waitpid (server, NULL, 0);
  delete_traces (&settings, &topology);
  return done ? 0 : 1;
}
