/* The text of one field of a rule -> bits; what all dialects of cron have in common: lists, ranges,
 * steps, numbers and names, and how errors are worded. Private to the schedule. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum
{
  ELVES_FIELD_WORDS = 4,
  ELVES_FIELDS_LIMIT = 8 /* more than any dialect has */
};

/* Bit 0 stands for the value @base of the field. */
typedef struct
{
  guint64 words[ELVES_FIELD_WORDS];
} ElvesFieldBits;

typedef struct
{
  const char *name; /* as errors call it */
  guint low, high;  /* what may be written */
  guint base;
  const char *const *names; /* (nullable) of three letters, up to NULL; any case */
  guint first_name;         /* the value of the first of them */
} ElvesFieldSpec;

typedef enum
{
  ELVES_FIELD_QUESTION_MARK = 1 << 0, /* "?" is "*" */
  ELVES_FIELD_SINGLE_STEP = 1 << 1    /* "n/s" is n; otherwise from n to the end */
} ElvesFieldFlags;

extern const char *const elves_month_names[];
extern const char *const elves_weekday_names[]; /* from Sunday */

/* The words of a rule, between blanks; @out_words has ELVES_FIELDS_LIMIT + 1 places. Nothing but
 * printable ASCII passes. */
char **elves_rule_split (const char *text, GError **error);

/* An item is text between commas. @at moves over what was read. */
gboolean elves_field_read_value (const ElvesFieldSpec *spec,
                                 const char *item,
                                 const char **at,
                                 guint *out_value,
                                 GError **error);
gboolean elves_field_read_step (const ElvesFieldSpec *spec,
                                const char *item,
                                const char **at,
                                guint *out_step,
                                GError **error);
gboolean
elves_field_at_end (const ElvesFieldSpec *spec, const char *item, const char *at, GError **error);
/* @to below @from: over the end of the field and on from its beginning. */
void elves_field_add (const ElvesFieldSpec *spec,
                      ElvesFieldBits *bits,
                      guint from,
                      guint to,
                      guint step);

/* One field of the crontab family. @out_star: whether an item of it began with "*" or "?". */
gboolean elves_field_parse (const ElvesFieldSpec *spec,
                            ElvesFieldFlags flags,
                            const char *text,
                            ElvesFieldBits *out_bits,
                            gboolean *out_star,
                            GError **error);

/* "NAME "TEXT": ..."; always FALSE. */
gboolean elves_field_refuse (const ElvesFieldSpec *spec,
                             const char *text,
                             GError **error,
                             const char *format,
                             ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS
