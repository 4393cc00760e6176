/* What a daemon counts about itself, as Prometheus reads it (text format 0.0.4).
 *
 * A daemon has one plain struct of numbers and one table that says what each field is, as its
 * configuration has. To count is to add to a field. Main thread only. To add a metric: a field in
 * the struct, a row in the table, a line in the manual page (a test compares). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_METRIC_COUNTER,  /* guint64: only grows */
  ELVES_METRIC_GAUGE,    /* guint64: as it is now */
  ELVES_METRIC_HISTOGRAM /* ElvesHistogram: times */
} ElvesMetricType;

enum
{
  ELVES_HISTOGRAM_BOUNDS = 18
};

/* Zero-filled: empty. */
typedef struct
{
  guint64 counts[ELVES_HISTOGRAM_BOUNDS + 1]; /* by bucket; the last: longer than all bounds */
  guint64 sum_us;
} ElvesHistogram;

void elves_histogram_add (ElvesHistogram *self, gint64 time_us); /* less than 0 counts as 0 */

typedef struct
{
  const char *name; /* rows of one name stand together; the first has the help */
  ElvesMetricType type;
  gsize offset;       /* of the field in the struct */
  const char *help;   /* one sentence */
  const char *labels; /* (nullable) the same for all of the row: `hop="call-answer"` */
  /* (nullable) the field is an array of @n_values; each value has this label with this text. */
  const char *label;
  const char *(*label_text) (guint index);
  guint n_values;
} ElvesMetric; /* a table ends with a NULL name */

void elves_metrics_write (const ElvesMetric *table, gconstpointer numbers, GString *out);

G_END_DECLS
