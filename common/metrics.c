/* Numbers of a daemon -> the text that Prometheus reads.

   Nothing is allocated for a metric, nothing is looked up by name: a number is a field of a struct,
   and only when somebody asks does the table say how it is called. Times are kept in microseconds
   and written in seconds.

   Not here: how the text is asked for (http-status), which numbers there are (the daemons). */

#include "common/metrics.h"

#define TIME_TEXT_SIZE G_ASCII_DTOSTR_BUF_SIZE

/* From a hop inside of one host to a job of half an hour. */
static const gint64 bounds_us[] = {
  500,    1000,    2500,    5000,    10000,    25000,    50000,    100000,    250000,
  500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 300000000, 1800000000,
};
G_STATIC_ASSERT (G_N_ELEMENTS (bounds_us) == ELVES_HISTOGRAM_BOUNDS);

static const char *const type_names[] = {
  [ELVES_METRIC_COUNTER] = "counter",
  [ELVES_METRIC_GAUGE] = "gauge",
  [ELVES_METRIC_HISTOGRAM] = "histogram",
};

/**
 * elves_histogram_add:
 * @self: where it is counted
 * @time_us: how long something took
 */
void
elves_histogram_add (ElvesHistogram *self, gint64 time_us)
{
  guint bucket = 0;

  time_us = MAX (time_us, 0);
  while (bucket < ELVES_HISTOGRAM_BOUNDS && time_us > bounds_us[bucket])
    bucket++;
  self->counts[bucket]++;
  self->sum_us += (guint64) time_us;
}

static const char *
seconds_text (guint64 time_us, char *buffer)
{
  return g_ascii_formatd (buffer, TIME_TEXT_SIZE, "%.10g", (double) time_us / G_USEC_PER_SEC);
}

/* name_suffix{labels,more} */
static void
open_line (const ElvesMetric *metric, const char *suffix, const char *more, GString *out)
{
  const char *labels = metric->labels != NULL ? metric->labels : "";
  const char *comma = *labels != '\0' && *more != '\0' ? "," : "";

  g_string_append_printf (out, "%s%s", metric->name, suffix);
  if (*labels != '\0' || *more != '\0')
    g_string_append_printf (out, "{%s%s%s}", labels, comma, more);
}

static void
write_number (const ElvesMetric *metric, const char *more, guint64 number, GString *out)
{
  open_line (metric, "", more, out);
  g_string_append_printf (out, " %" G_GUINT64_FORMAT "\n", number);
}

static void
write_numbers (const ElvesMetric *metric, const guint64 *numbers, GString *out)
{
  if (metric->label == NULL)
    {
      write_number (metric, "", *numbers, out);
      return;
    }
  for (guint i = 0; i < metric->n_values; i++)
    {
      g_autofree char *label = g_strdup_printf ("%s=\"%s\"", metric->label, metric->label_text (i));
      write_number (metric, label, numbers[i], out);
    }
}

static void
write_histogram (const ElvesMetric *metric, const ElvesHistogram *histogram, GString *out)
{
  char text[TIME_TEXT_SIZE];
  guint64 count = 0;

  for (guint i = 0; i <= ELVES_HISTOGRAM_BOUNDS; i++)
    {
      const char *bound =
          i < ELVES_HISTOGRAM_BOUNDS ? seconds_text ((guint64) bounds_us[i], text) : "+Inf";
      g_autofree char *label = g_strdup_printf ("le=\"%s\"", bound);
      count += histogram->counts[i];
      open_line (metric, "_bucket", label, out);
      g_string_append_printf (out, " %" G_GUINT64_FORMAT "\n", count);
    }
  open_line (metric, "_sum", "", out);
  g_string_append_printf (out, " %s\n", seconds_text (histogram->sum_us, text));
  open_line (metric, "_count", "", out);
  g_string_append_printf (out, " %" G_GUINT64_FORMAT "\n", count);
}

/**
 * elves_metrics_write:
 * @table: what the fields are; static texts, in which nothing needs an escape
 * @numbers: the struct that the table's offsets point into
 * @out: where the text is appended
 */
void
elves_metrics_write (const ElvesMetric *table, gconstpointer numbers, GString *out)
{
  const char *last_name = "";

  for (const ElvesMetric *metric = table; metric->name != NULL; metric++)
    {
      gconstpointer field = (const guint8 *) numbers + metric->offset;

      if (!g_str_equal (metric->name, last_name))
        g_string_append_printf (out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                                metric->name, type_names[metric->type]);
      last_name = metric->name;
      if (metric->type == ELVES_METRIC_HISTOGRAM)
        write_histogram (metric, field, out);
      else
        write_numbers (metric, field, out);
    }
}
