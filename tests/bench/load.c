/* A load client over one connection and one thread, without what a daemon needs: it is the floor
 * that others are compared with, and must cost little itself.
 *
 * Requests are persistent and confirmed by the broker unless told otherwise, answers come on an
 * exclusive queue. A call's id is its number in 16 hex digits, so that its slot is found without a
 * table.
 */
#include "tests/bench/load.h"

#include "common/error.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define GRACE_US (10 * G_USEC_PER_SEC) /* for the last answers */

typedef struct
{
  const LoadPlan *plan;
  ElvesAmqpConnection *connection;
  char *answers;    /* queue */
  GArray *begin_us; /* of gint64, by number; 0: answered */
  GArray *took_us;  /* of guint32 */
  guint64 published;
  guint64 confirmed_below; /* by `multiple` */
  gint64 begun_us;
  gint64 end_us; /* no new calls */
  gboolean receiving;
  ElvesAmqpInput input;
  LoadResult result;
} Load;

gboolean
load_settings_from_environment (ElvesAmqpSettings *settings, GError **error)
{
  const char *port = g_getenv ("ELVES_TEST_MQ_PORT");
  *settings = (ElvesAmqpSettings){ .host = g_getenv ("ELVES_TEST_MQ_HOST"),
                                   .port = (guint16) (port == NULL ? 0 : atoi (port)),
                                   .user = g_getenv ("ELVES_TEST_MQ_USER"),
                                   .password = g_getenv ("ELVES_TEST_MQ_PASSWORD"),
                                   .vhost = "/",
                                   .connect_timeout_ms = 5000,
                                   .heartbeat_s = 30,
                                   .retry_first_ms = 100,
                                   .retry_cap_ms = 1000 };
  if (settings->host != NULL && settings->port != 0 && settings->user != NULL &&
      settings->password != NULL)
    return TRUE;
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                       "ELVES_TEST_MQ_HOST, _PORT, _USER and _PASSWORD are not all set");
  return FALSE;
}

/* --- publishing ------------------------------------------------------------------------------ */

static void
publish_call (Load *self)
{
  g_autofree char *id =
      g_strdup_printf ("%0*" G_GINT64_MODIFIER "X", LOAD_ID_LENGTH, self->published);
  char *text = self->plan->request (id, self->plan->user_data);
  g_autoptr (GBytes) body = g_bytes_new_take (text, strlen (text));
  amqp_basic_publish_t publish = { .exchange = amqp_cstring_bytes (self->plan->exchange),
                                   .routing_key = amqp_cstring_bytes (self->plan->routing_key) };
  amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                         .delivery_mode = self->plan->transient ? 1 : 2 };
  if (self->plan->answers_binding == NULL)
    {
      properties._flags |= AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG;
      properties.reply_to = amqp_cstring_bytes (self->answers);
      properties.correlation_id = amqp_cstring_bytes (id);
    }
  ElvesAmqpOutput *output = &self->connection->output;
  elves_amqp_output_add_method (output, ELVES_AMQP_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish);
  elves_amqp_output_add_content (output, ELVES_AMQP_CHANNEL, &properties, body);
  gint64 now = g_get_monotonic_time ();
  g_array_append_val (self->begin_us, now);
  self->published++;
}

/* How many may have been published by now. */
static guint64
allowance (const Load *self)
{
  if (self->plan->rate <= 0)
    return G_MAXUINT64;
  return 1 +
         (guint64) ((double) (g_get_monotonic_time () - self->begun_us) / 1e6 * self->plan->rate);
}

static gboolean
may_publish (const Load *self)
{
  if (self->published >= allowance (self))
    return FALSE;
  if (self->published - self->result.calls >= self->plan->window)
    return FALSE;
  if (self->plan->calls > 0)
    return self->published < self->plan->calls;
  return g_get_monotonic_time () < self->end_us;
}

static gboolean
is_done (const Load *self)
{
  gint64 now = g_get_monotonic_time ();
  if (now > self->end_us + GRACE_US)
    return TRUE;
  gboolean all_published =
      self->plan->calls > 0 ? self->published >= self->plan->calls : now >= self->end_us;
  return all_published && self->result.calls == self->published;
}

/* --- answers --------------------------------------------------------------------------------- */

static gboolean
find_number (const Load *self, const char *answer, guint64 *out_number)
{
  const char *key = strstr (answer, self->plan->id_key);
  if (key == NULL)
    return FALSE;
  char *end;
  const char *id = key + strlen (self->plan->id_key);
  *out_number = g_ascii_strtoull (id, &end, 16);
  return end == id + LOAD_ID_LENGTH && *out_number < self->published;
}

/* Returns: FALSE when that call has been answered. */
static gboolean
end_call (Load *self, guint64 number)
{
  gint64 *begin_us = &g_array_index (self->begin_us, gint64, number);
  if (*begin_us == 0)
    return FALSE;
  guint32 took_us = (guint32) (g_get_monotonic_time () - *begin_us);
  *begin_us = 0;
  self->result.calls++;
  if (self->plan->is_judged == NULL || self->plan->is_judged (number, self->plan->user_data))
    g_array_append_val (self->took_us, took_us);
  return TRUE;
}

static void
take_answer (Load *self, const char *answer)
{
  const LoadPlan *plan = self->plan;
  guint64 number;
  if (!find_number (self, answer, &number) || !end_call (self, number))
    self->result.strange++;
  else if (plan->is_good != NULL && !plan->is_good (answer, plan->user_data) &&
           (plan->is_judged == NULL || plan->is_judged (number, plan->user_data)))
    {
      if (self->result.bad++ == 0)
        g_printerr ("bad answer: %s\n", answer);
    }
}

/* Of a plan that waits for nothing else. */
static void
take_confirmation (Load *self, const amqp_basic_ack_t *ack)
{
  for (guint64 tag = ack->multiple ? self->confirmed_below : ack->delivery_tag;
       tag <= ack->delivery_tag && tag <= self->published; tag++)
    end_call (self, tag - 1);
  if (ack->multiple)
    self->confirmed_below = ack->delivery_tag + 1;
}

static void
take_whole_input (Load *self)
{
  if (!elves_amqp_input_is_whole (&self->input))
    return;
  g_autoptr (GBytes) body = elves_amqp_input_steal (&self->input);
  gsize length;
  const char *bytes = g_bytes_get_data (body, &length);
  g_autofree char *answer = g_strndup (bytes, length);
  self->receiving = FALSE;
  take_answer (self, answer);
}

static gboolean
take_frame (Load *self, const amqp_frame_t *frame, GError **error)
{
  if (frame->frame_type == AMQP_FRAME_METHOD)
    {
      const amqp_method_t *method = &frame->payload.method;
      self->receiving = method->id == AMQP_BASIC_DELIVER_METHOD;
      if (self->plan->send_only && method->id == AMQP_BASIC_ACK_METHOD)
        take_confirmation (self, method->decoded);
      return TRUE;
    }
  if (!self->receiving)
    return TRUE;
  if (frame->frame_type == AMQP_FRAME_HEADER)
    elves_amqp_input_begin (&self->input, frame->payload.properties.body_size);
  else if (!elves_amqp_input_add (&self->input, frame->payload.body_fragment, error))
    return FALSE;
  take_whole_input (self);
  return TRUE;
}

static gboolean
take_frames (Load *self, GError **error)
{
  amqp_frame_t frame;
  ElvesAmqpRead read;
  while ((read = elves_amqp_connection_read (self->connection, &frame, error)) ==
         ELVES_AMQP_READ_FRAME)
    if (!take_frame (self, &frame, error))
      return FALSE;
  return read == ELVES_AMQP_READ_NOTHING;
}

/* --- running --------------------------------------------------------------------------------- */

static gboolean
check_call (Load *self, const char *what, GError **error)
{
  amqp_rpc_reply_t reply = amqp_get_rpc_reply (self->connection->handle);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_REFUSED, "The broker refuses %s", what);
  return FALSE;
}

static gboolean
declare_answers (Load *self, GError **error)
{
  amqp_connection_state_t handle = self->connection->handle;
  amqp_queue_declare_ok_t *ok = amqp_queue_declare (handle, ELVES_AMQP_CHANNEL, amqp_empty_bytes, 0,
                                                    0, 1, 1, amqp_empty_table);
  if (ok == NULL)
    return check_call (self, "a queue for answers", error);
  self->answers = g_strndup (ok->queue.bytes, ok->queue.len);
  amqp_bytes_t queue = amqp_cstring_bytes (self->answers);
  if (self->plan->answers_binding != NULL)
    amqp_queue_bind (handle, ELVES_AMQP_CHANNEL, queue, amqp_cstring_bytes (self->plan->exchange),
                     amqp_cstring_bytes (self->plan->answers_binding), amqp_empty_table);
  if (!check_call (self, "the binding for answers", error))
    return FALSE;
  amqp_basic_consume (handle, ELVES_AMQP_CHANNEL, queue, amqp_empty_bytes, 0, 1, 1,
                      amqp_empty_table);
  return check_call (self, "to consume answers", error);
}

static gboolean
drive (Load *self, GError **error)
{
  while (!is_done (self))
    {
      while (may_publish (self))
        publish_call (self);
      ElvesAmqpConnection *connection = self->connection;
      if (!elves_amqp_connection_keep_alive (connection, error) ||
          !elves_amqp_output_send (&connection->output, connection->fd, error))
        return FALSE;
      gboolean sending = !elves_amqp_output_is_empty (&connection->output);
      struct pollfd poll_fd = { .fd = connection->fd, .events = POLLIN | (sending ? POLLOUT : 0) };
      if (poll (&poll_fd, 1, self->plan->rate > 0 ? 1 : 100) > 0)
        connection->received_us = g_get_monotonic_time ();
      if (!take_frames (self, error))
        return FALSE;
    }
  return TRUE;
}

static double
own_cpu_us (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  guint32 left = *(const guint32 *) a, right = *(const guint32 *) b;
  return (left > right) - (left < right);
}

static void
fill_result (Load *self, gint64 begin_us, double begin_cpu_us)
{
  LoadResult *result = &self->result;
  guint count = self->took_us->len;
  result->seconds = (double) (g_get_monotonic_time () - begin_us) / 1e6;
  result->lost = self->published - result->calls;
  result->judged = count;
  if (count == 0)
    return;
  result->cpu_us = (own_cpu_us () - begin_cpu_us) / (double) result->calls;
  g_array_sort (self->took_us, compare_times);
  result->p50_us = g_array_index (self->took_us, guint32, count / 2);
  result->p90_us = g_array_index (self->took_us, guint32, (guint64) count * 9 / 10);
  result->p99_us = g_array_index (self->took_us, guint32, (guint64) count * 99 / 100);
  result->p999_us = g_array_index (self->took_us, guint32, (guint64) count * 999 / 1000);
  result->max_us = g_array_index (self->took_us, guint32, count - 1);
}

/**
 * load_run:
 *
 * Errors: when the broker cannot be used; calls without an answer are no error but counted.
 */
gboolean
load_run (const ElvesAmqpSettings *settings,
          const LoadPlan *plan,
          LoadResult *out_result,
          GError **error)
{
  Load self = { .plan = plan, .confirmed_below = 1 };
  self.connection = elves_amqp_connection_open (settings, "elves bench", NULL, error);
  if (self.connection == NULL)
    return FALSE;
  self.begin_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  self.took_us = g_array_new (FALSE, FALSE, sizeof (guint32));
  gboolean done =
      declare_answers (&self, error) &&
      (plan->transient || elves_amqp_connection_select_confirms (self.connection, error));
  if (done)
    {
      gint64 begin_us = g_get_monotonic_time ();
      double begin_cpu_us = own_cpu_us ();
      self.begun_us = begin_us;
      self.end_us = begin_us + (gint64) (plan->seconds * 1e6);
      done = drive (&self, error);
      fill_result (&self, begin_us, begin_cpu_us);
      elves_amqp_connection_close (self.connection, 1000);
    }
  *out_result = self.result;
  elves_amqp_input_clear (&self.input);
  g_array_unref (self.begin_us);
  g_array_unref (self.took_us);
  g_free (self.answers);
  elves_amqp_connection_free (self.connection);
  return done;
}

void
load_print (const char *name, guint window, const LoadResult *result, double server_cpu_us)
{
  printf ("{\"name\":\"%s\",\"window\":%u,\"calls\":%" G_GUINT64_FORMAT
          ",\"seconds\":%.3f,\"per_s\":%.0f,\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,"
          "\"p999_us\":%u,\"max_us\":%u,"
          "\"judged\":%" G_GUINT64_FORMAT ",\"bad\":%" G_GUINT64_FORMAT
          ",\"lost\":%" G_GUINT64_FORMAT ",\"strange\":%" G_GUINT64_FORMAT
          ",\"client_cpu_us\":%.1f",
          name, window, result->calls, result->seconds,
          result->seconds > 0 ? (double) result->calls / result->seconds : 0, result->p50_us,
          result->p90_us, result->p99_us, result->p999_us, result->max_us, result->judged,
          result->bad, result->lost, result->strange, result->cpu_us);
  if (server_cpu_us >= 0)
    printf (",\"server_cpu_us\":%.1f", server_cpu_us);
  printf ("}\n");
}
