/* One job in flight: from the delivery that asked for it to the acknowledgement of that delivery.
   Its life is one table of states and events. */
#pragma once

#include "common/amqp.h"
#include "common/deadlines.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_FLIGHT_NEW,
  ELVES_FLIGHT_CALLING,    /* the agent has been asked */
  ELVES_FLIGHT_PAUSED,     /* it will be asked again */
  ELVES_FLIGHT_ACCEPTED,   /* async: the agent took it, its result will come */
  ELVES_FLIGHT_HOLDING,    /* its outcome waits until the delivery is ours again */
  ELVES_FLIGHT_PUBLISHING, /* the outcome is on its way to the broker */
  ELVES_FLIGHT_DONE, /* confirmed; the delivery is acknowledged, or will be when it comes again */
  ELVES_N_FLIGHT_STATES
} ElvesFlightState;

typedef enum
{
  ELVES_FLIGHT_DISPATCHED,
  ELVES_FLIGHT_TAKEN,     /* the agent acknowledged an async job */
  ELVES_FLIGHT_PAUSE,     /* no outcome yet: ask again later */
  ELVES_FLIGHT_HOLD,      /* how it ended is known, but somebody else may have the delivery */
  ELVES_FLIGHT_OUTCOME,   /* how it ended is known */
  ELVES_FLIGHT_SETTLED,   /* somebody else has told the asker, or will */
  ELVES_FLIGHT_CONFIRMED, /* the broker has the outcome, or there was none to publish */
  ELVES_N_FLIGHT_EVENTS
} ElvesFlightEvent;

/* Where the message is that asked for the job. */
typedef enum
{
  ELVES_CUSTODY_HELD,  /* an unacknowledged delivery of ours */
  ELVES_CUSTODY_ACKED, /* acknowledged: nobody else will ever have it */
  ELVES_CUSTODY_LOST   /* with the broker again, or with another scheduler */
} ElvesCustody;

typedef struct
{
  ElvesJob *job;
  ElvesFlightState state;
  ElvesCustody custody;
  guint64 epoch, tag;      /* the delivery to acknowledge; HELD only */
  ElvesDelivery *message;  /* (nullable) what to publish again; owned */
  gboolean is_republished; /* and the broker has not confirmed it, or given it to somebody else */
  gboolean is_transient;   /* a LOST message that the broker keeps in memory only */
  gint64 started_us;       /* wall clock */
  gint64 since_us;         /* monotonic: in this state */
  gint64 taken_us;         /* monotonic: the message came */

  gboolean has_own_key;      /* the message says which execution it is */
  gboolean delivered_before; /* another scheduler may have sent it to the agent */
  gboolean is_poison;        /* delivered too often: one last question, then it is put aside */
  gboolean may_have_started; /* a call was sent and not answered, here or elsewhere */
  gboolean has_journal;      /* the agent that was asked last has one */
  guint tries;               /* calls that failed */
  guint finished_seen;       /* times in a row that its agent said: it has ended, but its result
                                does not come here */

  ElvesDeadline wake;      /* the next of these four, in monotonic microseconds */
  gint64 republish_at_us;  /* 0: not */
  gint64 ask_at_us;        /* PAUSED: call again; ACCEPTED: ask for its state */
  gint64 heard_at_us;      /* the agent last said something about it */
  gint64 hold_until_us;    /* HOLDING */
  gint64 lost_us;          /* LOST: since then */
  gint64 missing_since_us; /* its agent is not registered; 0: it is */
  ElvesOutcome held;       /* HOLDING */

  GList place;                    /* in the job table; its data NULL: not there */
  GList by_execution, by_type_id; /* its places in the indexes of that */
} ElvesFlight;

ElvesFlight *elves_flight_new (ElvesJob *job, guint64 epoch, guint64 tag);
ElvesFlight *elves_flight_ref (ElvesFlight *self);
void elves_flight_unref (ElvesFlight *self);

/* Whether its outcome may be published here: nobody else has its message, or will get it. */
gboolean elves_flight_owns_message (const ElvesFlight *self);

/* TRUE and the new state, when the pair is in the table. */
gboolean elves_flight_next_state (ElvesFlightState state,
                                  ElvesFlightEvent event,
                                  ElvesFlightState *out_next);
/* Moves on; an unlisted pair is a bug of ours: it is logged as critical, the state stays. */
gboolean elves_flight_advance (ElvesFlight *self, ElvesFlightEvent event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesFlight, elves_flight_unref)

G_END_DECLS
