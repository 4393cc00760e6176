/* The life of one planned instant, as the store keeps it: cron_firing.state. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The numbers stand in stores and in the texts of statements: never change one. */
typedef enum
{
  ELVES_CRON_DECIDED = 1,     /* fires; whether the broker or the receiver has it is not known */
  ELVES_CRON_SENT = 2,        /* the broker has it; its result is not there */
  ELVES_CRON_ENDED = 3,       /* has its outcome */
  ELVES_CRON_PASSED_OVER = 4, /* an execution ran */
  ELVES_CRON_WAS_MISSED = 5,  /* a range: nobody was there */
  ELVES_CRON_WAS_PAUSED = 6,  /* a range: the schedule was stopped */
  ELVES_CRON_QUEUED = 7,      /* fires when what runs has ended */
  ELVES_CRON_N_LIVES
} ElvesCronLife;

/* Whether one may follow the other; everything else is a bug, or late news that changes nothing. */
gboolean elves_cron_life_may_follow (ElvesCronLife from, ElvesCronLife to);
const char *elves_cron_life_name (guint life); /* "" for no such number */

/* For statements. */
#define ELVES_CRON_SQL_DECIDED "1"
#define ELVES_CRON_SQL_SENT "2"
#define ELVES_CRON_SQL_ENDED "3"
#define ELVES_CRON_SQL_OPEN "1, 2, 7" /* their end is to come */

G_END_DECLS
