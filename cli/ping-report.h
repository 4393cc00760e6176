/* What came of one no-op or of many, for people and as JSON. Pure but for stdout. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_PING_TOTAL,     /* from the message to the answer */
  ELVES_PING_BROKER,    /* of it: RabbitMQ and the network, there and back */
  ELVES_PING_SCHEDULER, /* in the scheduler */
  ELVES_PING_AGENT,     /* from the scheduler to the agent, there, and back */
  ELVES_N_PING_HOPS
} ElvesPingHop;

#define ELVES_PING_UNKNOWN (-1) /* the scheduler did not say */

typedef struct
{
  char *ip;
  gint64 sent_us; /* monotonic */
  gboolean answered;
  char *problem;                    /* (nullable) it did not come back well */
  gint64 hop_us[ELVES_N_PING_HOPS]; /* answered only */
} ElvesPing;

ElvesPing *elves_ping_new (const char *ip);
void elves_ping_free (ElvesPing *self);
/* The answer of a scheduler has come @total_us after it was asked for. */
void elves_ping_take_answer (ElvesPing *self, JsonObject *answer, gint64 total_us);
void elves_ping_print (const ElvesPing *self);

/* Of many: @pings is of ElvesPing. */
guint elves_ping_count_failed (GPtrArray *pings);
void elves_ping_print_summary (GPtrArray *pings);
JsonNode *elves_ping_to_json (GPtrArray *pings);

G_END_DECLS
