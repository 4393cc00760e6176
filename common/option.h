/* One row of an option table: which keys it answers to, what its text means. For config.c and for
   the tests and tools that walk a table. */
#pragma once

#include "common/config.h"

G_BEGIN_DECLS

/* The row of @key; @out_middle: (transfer full) (nullable) what stands for the * of a MAP row.
   NULL: no row. */
const ElvesOption *elves_option_find (const ElvesOption *table, const char *key, char **out_middle);

/* The key that a mistyped @key most likely means; NULL when none is near. */
const char *elves_option_nearest_key (const ElvesOption *table, const char *key);

/* "ELVES_MQ_IP" for mq.ip. */
char *elves_option_environment_name (const ElvesOption *option);

/* What a row holds before it goes into the target. */
typedef struct
{
  gboolean is_given;
  guint64 number;  /* UINT, UINT64, BOOL, CHOICE, SWITCH */
  char *text;      /* STRING, SECRET */
  GHashTable *map; /* MAP: char * -> char * */
} ElvesOptionValue;

/* @middle: for a MAP row. Errors: ELVES_ERROR_CONFIG, what was expected; without the key. */
gboolean elves_option_parse (const ElvesOption *option,
                             const char *middle,
                             const char *text,
                             ElvesOptionValue *value,
                             GError **error);
void elves_option_value_clear (ElvesOptionValue *value);

/* Moves @value into the field of @target. */
void elves_option_store (const ElvesOption *option, ElvesOptionValue *value, gpointer target);
/* Frees what the field of @target holds. */
void elves_option_clear (const ElvesOption *option, gpointer target);

G_END_DECLS
