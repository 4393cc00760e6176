/* A load client: keeps a number of calls outstanding and measures each. */
#pragma once

#include "common/amqp-connection.h"

G_BEGIN_DECLS

#define LOAD_ID_LENGTH 16 /* hex digits, upper case */

typedef struct
{
  const char *exchange, *routing_key; /* where requests go */
  const char *answers_binding; /* (nullable) answers are casts with this routing key on @exchange;
                                  NULL: they come by reply_to */
  const char *id_key;          /* the id of an answer follows this text in its body */
  /* (transfer full) */
  char *(*request) (const char *id, gpointer user_data);
  gboolean (*is_good) (const char *answer, gpointer user_data);
  /* (nullable) whether the call with this number is judged: its time, and its answer */
  gboolean (*is_judged) (guint64 number, gpointer user_data);
  gpointer user_data;

  gboolean transient; /* neither persistent nor confirmed */
  guint window;       /* calls outstanding */
  guint64 calls;      /* 0: as many as go in @seconds */
  double seconds;     /* limit of it all */
  double rate;        /* calls a second; 0: as fast as the window lets */
  gboolean send_only; /* the broker's confirmation counts as the answer */
} LoadPlan;

typedef struct
{
  guint64 calls, bad, strange; /* good and bad answers; bad ones; answers to nothing */
  double seconds;
  guint32 p50_us, p90_us, p99_us, p999_us, max_us;
  double cpu_us; /* of this process, per call */
  guint64 lost;  /* without an answer at the end */
  guint64 judged;
} LoadResult;

gboolean load_settings_from_environment (ElvesAmqpSettings *settings, GError **error);
gboolean load_run (const ElvesAmqpSettings *settings,
                   const LoadPlan *plan,
                   LoadResult *out_result,
                   GError **error);
/* One JSON object on one line; @server_cpu_us negative: not measured. */
void load_print (const char *name, guint window, const LoadResult *result, double server_cpu_us);

G_END_DECLS
