#include "tests/bench/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
figures_add (Figures *self, double value)
{
  if (self->n < FIGURES_MAX_ROUNDS)
    self->values[self->n++] = value;
}

static int
compare (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;
  return (difference > 0) - (difference < 0);
}

double
figures_median (const Figures *self)
{
  double sorted[FIGURES_MAX_ROUNDS] = { 0 };
  memcpy (sorted, self->values, self->n * sizeof *sorted);
  qsort (sorted, self->n, sizeof *sorted, compare);
  return sorted[self->n / 2];
}

void
figures_print (const char *case_name,
               const char *metric,
               const Figures *self,
               const char *unit,
               const char *vs,
               const Figures *beside)
{
  char ratio[32] = "null";
  Figures ratios = { 0 };
  for (guint i = 0; beside != NULL && i < self->n; i++)
    figures_add (&ratios, self->values[i] / beside->values[i]);
  if (beside != NULL)
    snprintf (ratio, sizeof ratio, "%.3f", figures_median (&ratios));
  printf ("{\"case\":\"%s\",\"metric\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"vs\":\"%s\","
          "\"ratio\":%s}\n",
          case_name, metric, figures_median (self), unit, beside != NULL ? vs : "", ratio);
  fflush (stdout);
}

gboolean
figures_is_quick (int argc, char **argv)
{
  return argc > 1 && g_str_equal (argv[1], "--quick");
}
