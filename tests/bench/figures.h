/* Figures of a case, in rounds: kinds take turns, so that all of them see the same machine, and the
   median of what the rounds give is printed, one JSON object a line. See tests/bench/run. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FIGURES_MAX_ROUNDS 99

typedef struct
{
  guint n;
  double values[FIGURES_MAX_ROUNDS];
} Figures;

void figures_add (Figures *self, double value);
double figures_median (const Figures *self);
/* @beside: (nullable) with as many rounds; @vs names it. The ratio is the median of the rounds'. */
void figures_print (const char *case_name,
                    const char *metric,
                    const Figures *self,
                    const char *unit,
                    const char *vs,
                    const Figures *beside);
/* --quick: a round of a tenth of a second. */
gboolean figures_is_quick (int argc, char **argv);

G_END_DECLS
