/* What dialects and policies are called in stores, messages and on command lines. */

#include "common/schedule.h"

static const char *const dialect_names[] = { "quartz",    "crontab",          "crontab-seconds",
                                             "timecloud", "timecloud-sunday", "cronjob" };
static const char *const gap_names[] = { "default", "skip", "first" };
static const char *const fold_names[] = { "default", "once", "twice" };

G_STATIC_ASSERT (G_N_ELEMENTS (dialect_names) == ELVES_N_SCHEDULE_DIALECTS);
G_STATIC_ASSERT (G_N_ELEMENTS (gap_names) == ELVES_N_SCHEDULE_GAPS);
G_STATIC_ASSERT (G_N_ELEMENTS (fold_names) == ELVES_N_SCHEDULE_FOLDS);

/* -1: not there. */
static int
index_of (const char *const *names, guint n_names, const char *name)
{
  for (guint i = 0; i < n_names; i++)
    if (g_strcmp0 (names[i], name) == 0)
      return (int) i;
  return -1;
}

/**
 * elves_schedule_dialect_name:
 * @dialect: a dialect
 *
 * Returns: its name in messages, stores and on the command line.
 */
const char *
elves_schedule_dialect_name (ElvesScheduleDialect dialect)
{
  return dialect_names[dialect];
}

/**
 * elves_schedule_dialect_from_name:
 * @name: (nullable): any text
 * @out_dialect: the dialect of that name
 *
 * Returns: whether there is one.
 */
gboolean
elves_schedule_dialect_from_name (const char *name, ElvesScheduleDialect *out_dialect)
{
  int index = index_of (dialect_names, G_N_ELEMENTS (dialect_names), name);

  if (index >= 0)
    *out_dialect = (ElvesScheduleDialect) index;
  return index >= 0;
}

/**
 * elves_schedule_gap_name:
 * @gap: a policy
 *
 * Returns: its name in messages, stores and on the command line.
 */
const char *
elves_schedule_gap_name (ElvesScheduleGap gap)
{
  return gap_names[gap];
}

/**
 * elves_schedule_gap_from_name:
 * @name: (nullable): any text
 * @out_gap: the policy of that name
 *
 * Returns: whether there is one.
 */
gboolean
elves_schedule_gap_from_name (const char *name, ElvesScheduleGap *out_gap)
{
  int index = index_of (gap_names, G_N_ELEMENTS (gap_names), name);

  if (index >= 0)
    *out_gap = (ElvesScheduleGap) index;
  return index >= 0;
}

/**
 * elves_schedule_fold_name:
 * @fold: a policy
 *
 * Returns: its name in messages, stores and on the command line.
 */
const char *
elves_schedule_fold_name (ElvesScheduleFold fold)
{
  return fold_names[fold];
}

/**
 * elves_schedule_fold_from_name:
 * @name: (nullable): any text
 * @out_fold: the policy of that name
 *
 * Returns: whether there is one.
 */
gboolean
elves_schedule_fold_from_name (const char *name, ElvesScheduleFold *out_fold)
{
  int index = index_of (fold_names, G_N_ELEMENTS (fold_names), name);

  if (index >= 0)
    *out_fold = (ElvesScheduleFold) index;
  return index >= 0;
}
