/* The parts of the outbox; for outbox*.c only. */
#pragma once

#include "common/deadlines.h"
#include "cron/caller.h"
#include "cron/outbox.h"

G_BEGIN_DECLS

struct ElvesCronOutbox
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  ElvesComponent *component;
  ElvesCronTally *tally;
  ElvesCronOutboxCallbacks callbacks;
  gpointer user_data;
  GHashTable *publishers; /* exchange -> ElvesAmqpPublisher, made when there is one to publish to */
  ElvesCronCaller *caller;
  ElvesDeadlines *deadlines;
  ElvesDeadline retry; /* marking again */
  guint retry_attempt;
  GQueue flights;  /* of ElvesCronFlight, by its place */
  GQueue writes;   /* of Write, by its place */
  GArray *sent;    /* of ElvesCronInstant: to be marked */
  guint marking;   /* are being marked */
  GSource *flush;  /* (nullable) at the end of this turn */
  char *sent_key;  /* of the copies that witness.c reads */
  gint64 probe_us; /* then a job goes without a copy */
  gboolean nobody; /* the last of those reached no queue */
};

/* One shot, until it is out. */
typedef struct _ElvesCronFlight
{
  ElvesCronOutbox *outbox;
  ElvesCronShot *shot;
  gboolean has_copy;
  guint tries;         /* of a callback, with those of earlier leaders */
  char **urls;         /* (nullable) of a callback: as the task has them, and as they are called */
  char **called;       /* (nullable) */
  char *attempt;       /* (nullable) the last try, when it was the good one */
  ElvesDeadline again; /* making a task once more */
  guint attempts;      /* to make it */
  struct _ElvesCronFlight **pending; /* (nullable) who looks for this flight when it has gone */
  GList place;
} ElvesCronFlight;

/* It is out: frees @flight. */
void elves_cron_flight_land (ElvesCronFlight *flight);

/* outbox-write.c: what becomes of shots, into the store. */
void elves_cron_outbox_add_sent (ElvesCronOutbox *self, const ElvesCronShot *shot);
void elves_cron_outbox_end_shot (ElvesCronOutbox *self,
                                 const ElvesCronShot *shot,
                                 gboolean ok,
                                 const char *text,
                                 gint cost_ms);
/* (transfer full): the outcome of one that was answered or sent. */
ElvesCronOutcome *
elves_cron_outbox_outcome (const ElvesCronShot *shot, gboolean ok, const char *text, gint cost_ms);
void elves_cron_outbox_free_writes (ElvesCronOutbox *self);

/* outbox-message.c */
/* Made when it is asked for; @exchange is declared. */
ElvesAmqpPublisher *elves_cron_outbox_publisher (ElvesCronOutbox *self, const char *exchange);
void elves_cron_flight_send_message (ElvesCronFlight *flight);
void elves_cron_outbox_note_message (ElvesCronOutbox *self, const ElvesCronShot *shot);

/* outbox-call.c */
void elves_cron_flight_call (ElvesCronFlight *flight);

/* outbox-spawn.c */
void elves_cron_flight_spawn (ElvesCronFlight *flight);

G_END_DECLS
