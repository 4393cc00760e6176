/* Numbers as text: types, labels, buckets; and that every metric of both daemons is well named. */

#include "agent/metrics.h"
#include "common/metrics.h"
#include "scheduler/metrics.h"

#include "tests/lib/config-documentation.h"

#include <string.h>

typedef struct
{
  guint64 jobs, failed, by_colour[2];
  ElvesHistogram times;
} Numbers;

static const char *
colour (guint index)
{
  return index == 0 ? "red" : "blue";
}

static const ElvesMetric table[] = { { "x_jobs_total", ELVES_METRIC_COUNTER,
                                       G_STRUCT_OFFSET (Numbers, jobs), "Jobs.", "outcome=\"ok\"" },
                                     { "x_jobs_total", ELVES_METRIC_COUNTER,
                                       G_STRUCT_OFFSET (Numbers, failed), NULL, "outcome=\"bad\"" },
                                     { "x_things", ELVES_METRIC_GAUGE,
                                       G_STRUCT_OFFSET (Numbers, by_colour), "Things.", NULL,
                                       "colour", colour, 2 },
                                     { "x_seconds", ELVES_METRIC_HISTOGRAM,
                                       G_STRUCT_OFFSET (Numbers, times), "Times.", "hop=\"a-b\"" },
                                     { NULL } };

static char *
text_of (const Numbers *numbers)
{
  GString *text = g_string_new (NULL);

  elves_metrics_write (table, numbers, text);
  return g_string_free (text, FALSE);
}

static void
test_numbers (void)
{
  Numbers numbers = { .jobs = 3, .failed = G_MAXUINT64, .by_colour = { 1, 2 } };
  g_autofree char *text = text_of (&numbers);

  g_assert_true (g_str_has_prefix (text, "# HELP x_jobs_total Jobs.\n"
                                         "# TYPE x_jobs_total counter\n"
                                         "x_jobs_total{outcome=\"ok\"} 3\n"
                                         "x_jobs_total{outcome=\"bad\"} 18446744073709551615\n"
                                         "# HELP x_things Things.\n"
                                         "# TYPE x_things gauge\n"
                                         "x_things{colour=\"red\"} 1\n"
                                         "x_things{colour=\"blue\"} 2\n"));
}

static void
test_histogram (void)
{
  Numbers numbers = { 0 };
  g_autofree char *text = NULL;

  elves_histogram_add (&numbers.times, -5);
  elves_histogram_add (&numbers.times, 500); /* a bound belongs to its own bucket */
  elves_histogram_add (&numbers.times, 501);
  elves_histogram_add (&numbers.times, 2000000);
  elves_histogram_add (&numbers.times, G_GINT64_CONSTANT (7200) * G_USEC_PER_SEC);
  text = text_of (&numbers);

  g_assert_nonnull (strstr (text, "# TYPE x_seconds histogram\n"));
  g_assert_nonnull (strstr (text, "x_seconds_bucket{hop=\"a-b\",le=\"0.0005\"} 2\n"
                                  "x_seconds_bucket{hop=\"a-b\",le=\"0.001\"} 3\n"));
  g_assert_nonnull (strstr (text, "x_seconds_bucket{hop=\"a-b\",le=\"1\"} 3\n"
                                  "x_seconds_bucket{hop=\"a-b\",le=\"2.5\"} 4\n"));
  g_assert_nonnull (strstr (text, "x_seconds_bucket{hop=\"a-b\",le=\"1800\"} 4\n"
                                  "x_seconds_bucket{hop=\"a-b\",le=\"+Inf\"} 5\n"
                                  "x_seconds_sum{hop=\"a-b\"} 7202.001001\n"
                                  "x_seconds_count{hop=\"a-b\"} 5\n"));
}

static gboolean
is_name (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_islower (*c) && *c != '_')
      return FALSE;
  return TRUE;
}

/* Counters end in _total, times in _seconds; rows of one name stand together, have one type, and
   the first of them has the help. */
static void
assert_well_formed (const ElvesMetric *metrics, const char *prefix)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  const ElvesMetric *last = NULL;

  for (const ElvesMetric *metric = metrics; metric->name != NULL; last = metric++)
    {
      gboolean first = last == NULL || !g_str_equal (last->name, metric->name);

      g_test_message ("%s", metric->name);
      g_assert_true (is_name (metric->name));
      g_assert_true (g_str_has_prefix (metric->name, prefix));
      g_assert_true (g_str_has_suffix (metric->name, "_total") ==
                     (metric->type == ELVES_METRIC_COUNTER));
      g_assert_true (g_str_has_suffix (metric->name, "_seconds") ==
                     (metric->type == ELVES_METRIC_HISTOGRAM));
      g_assert_true (first == (metric->help != NULL));
      if (first)
        g_assert_true (g_hash_table_add (seen, (gpointer) metric->name));
      else
        g_assert_cmpint (metric->type, ==, last->type);
    }
}

static void
test_tables (void)
{
  assert_well_formed (elves_scheduler_metric_table, "elves_scheduler_");
  assert_well_formed (elves_agent_metric_table, "elves_agent_");
}

/* Every name stands in the manual of its daemon, with the same sentence. */
static void
assert_documented (const ElvesMetric *metrics, const char *page)
{
  g_autofree char *text = documentation_read ("man", page);

  for (const ElvesMetric *metric = metrics; metric->name != NULL; metric++)
    if (metric->help != NULL)
      {
        g_autofree char *item = g_strdup_printf (".It Li %s\n%s\n", metric->name, metric->help);
        g_test_message ("%s in %s", metric->name, page);
        g_assert_nonnull (strstr (text, item));
      }
}

static void
test_manuals (void)
{
  assert_documented (elves_scheduler_metric_table, "elves-scheduler.8");
  assert_documented (elves_agent_metric_table, "elves-agent.8");
}

static void
test_outcomes (void)
{
  ElvesOutcome good = { .delivered = TRUE, .worker_flag = 1 };
  ElvesOutcome bad = { .delivered = TRUE, .worker_flag = 0 };
  ElvesOutcome none = { .delivered = FALSE, .reason = ELVES_REASON_BUSY };

  elves_scheduler_metrics_count_outcome (&good);
  elves_scheduler_metrics_count_outcome (&bad);
  elves_scheduler_metrics_count_outcome (&none);
  g_assert_cmpuint (elves_scheduler_metrics.jobs_succeeded, ==, 1);
  g_assert_cmpuint (elves_scheduler_metrics.jobs_failed, ==, 1);
  g_assert_cmpuint (elves_scheduler_metrics.jobs_in_error[ELVES_REASON_BUSY], ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/numbers", test_numbers);
  g_test_add_func ("/metrics/histogram", test_histogram);
  g_test_add_func ("/metrics/tables", test_tables);
  g_test_add_func ("/metrics/manuals", test_manuals);
  g_test_add_func ("/metrics/outcomes", test_outcomes);
  return g_test_run ();
}
