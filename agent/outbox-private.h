/* The parts of the outbox; for outbox*.c only. */
#pragma once

#include "agent/outbox.h"
#include "common/log.h"

G_BEGIN_DECLS

#define ELVES_OUTBOX_MAX_LINKS 4 /* to one scheduler */

/* A scheduler that was tried: outbox-place.c. */
typedef struct ElvesOutboxPlace ElvesOutboxPlace;

/* One result, until it is taken or set aside. */
typedef struct
{
  ElvesOutbox *outbox;
  char *key;               /* (nullable) execution key */
  char *id;                /* of the job, for the log */
  ElvesReinstruct *result; /* (nullable): it is in the journal only */
  gboolean stored;         /* in the journal */
  char *origin;            /* (nullable) */
  guint next;              /* candidate to try, in this round */
  guint rounds;            /* without success */
  gboolean undecided;      /* somebody in this round may know it, later */
  ElvesOutboxPlace *place; /* (nullable) being carried there; NULL: waits for its deadline */
  ElvesDeadline deadline;
  gint64 since_us; /* added */
  GList link, place_link;
} ElvesOutboxEntry;

struct ElvesOutbox
{
  ElvesPoller *poller;
  const ElvesAgentConfig *config;
  ElvesSchedulers *schedulers;
  ElvesJournal *journal; /* (nullable) */
  ElvesOutboxIdleFunc idle;
  gpointer user_data;
  ElvesDeadlines *deadlines;
  GQueue entries;     /* of ElvesOutboxEntry, by its link */
  GHashTable *by_key; /* execution key -> ElvesOutboxEntry */
  GHashTable *places; /* address -> ElvesOutboxPlace */
  ElvesLogThrottle refused_log;
  guint reserved;     /* places */
  guint64 bytes;      /* of params with a place, reserved or taken, and of results */
  guint64 kept_bytes; /* of results that are in the journal, too */
};

/* outbox.c */
/* It must not be on its way to a scheduler. */
void elves_outbox_entry_free (ElvesOutboxEntry *self);
void elves_outbox_tell_if_idle (ElvesOutbox *self);

/* outbox-route.c */
gint64 elves_outbox_backoff_end_us (const ElvesOutbox *self, guint attempt);
/* Frees an entry that is set aside. */
void elves_outbox_entry_route (ElvesOutboxEntry *self);
/* Of one that is in the journal nothing is kept in memory meanwhile. */
void elves_outbox_entry_wait_for_next_round (ElvesOutboxEntry *self);

/* outbox-place.c */
/* NULL: @address is none. */
ElvesOutboxPlace *elves_outbox_find_or_add_place (ElvesOutbox *self, const char *address);
/* It could not be reached, and is not to be tried before its time. */
gboolean elves_outbox_place_is_away (const ElvesOutboxPlace *self);
/* @entry goes there; it may be routed elsewhere, or be gone, when this returns. */
void elves_outbox_place_take (ElvesOutboxPlace *self, ElvesOutboxEntry *entry);
/* If there are many places. */
void elves_outbox_forget_idle_places (ElvesOutbox *self);
void elves_outbox_place_free (ElvesOutboxPlace *self); /* no callback of its courier afterwards */

/* outbox-room.c */
/* Has @result in memory: in the place that was reserved for it; one that is in the journal as well
   only if there is room. */
void elves_outbox_entry_hold_result (ElvesOutboxEntry *self, ElvesReinstruct *result);
void elves_outbox_entry_forget_result (ElvesOutboxEntry *self);

G_END_DECLS
