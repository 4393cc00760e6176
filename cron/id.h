/* The number of a timed task, and how it is written. Pure, but for the clock and the dice of new
   ones.

   64 bits: milliseconds since 1970, and 23 bits that make it the only one. So ids grow, and an id
   tells when it was made. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One number, three spellings, told apart by their length. The numbers stand in stores. */
typedef enum
{
  ELVES_CRON_HEX,      /* 16 upper-case hex digits: the store's and the messages' */
  ELVES_CRON_DECIMAL,  /* 20 decimal digits */
  ELVES_CRON_OBJECTID, /* 24 lower-case hex digits: the second it was made (8), the number (16) */
  ELVES_CRON_N_SPELLINGS
} ElvesCronSpelling;

/* Greater than all that this process has made. Main thread only. */
guint64 elves_cron_id_new (gint64 now_us);

/* Any spelling, hex digits in any case. FALSE: not an id of ours. */
gboolean elves_cron_id_parse (const char *text, guint64 *out_id);
#define ELVES_CRON_ID_SIZE 17
/* In hex, as the store has it. */
void elves_cron_id_write (guint64 id, char text[ELVES_CRON_ID_SIZE]);
char *elves_cron_id_spell (guint64 id, guint spelling); /* (transfer full) */

const char *elves_cron_spelling_name (guint spelling);
gboolean elves_cron_spelling_from_name (const char *name, guint *out_spelling);

G_END_DECLS
