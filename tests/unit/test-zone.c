/* The table of each zone against the C library's own reader of the time-zone data. */

#include "common/civil.h"
#include "common/error.h"
#include "common/zone-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <time.h>

/* Zones that differ from each other since 1970, one name for each. */
#define ZONE_LIST "/usr/share/zoneinfo/zone1970.tab"

static void
enter_zone (const char *name)
{
  g_setenv ("TZ", name, TRUE);
  tzset ();
}

static long
offset_of_libc (gint64 utc_s)
{
  time_t time = (time_t) utc_s;
  struct tm local;

  g_assert_nonnull (localtime_r (&time, &local));
  return local.tm_gmtoff;
}

static void
assert_offset (const ElvesZone *zone, gint64 utc_s)
{
  long expected = offset_of_libc (utc_s);
  long found = elves_zone_span (zone, elves_zone_find (zone, utc_s))->offset_s;

  if (found != expected)
    g_error ("%s at %" G_GINT64_FORMAT ": %ld, the C library says %ld", elves_zone_name (zone),
             utc_s, found, expected);
}

static void
check_span (const ElvesZone *zone, guint index)
{
  const ElvesZoneSpan *span = elves_zone_span (zone, index);
  const ElvesZoneSpan *before = elves_zone_span (zone, index - 1);

  g_assert_cmpint (before->start_s, <, span->start_s);
  g_assert_cmpint (before->offset_s, !=, span->offset_s);
  g_assert_cmpint (span->fresh_s, >=, span->start_s + before->offset_s);
  g_assert_cmpint (elves_zone_span_end (zone, index - 1), ==, span->start_s);
  g_assert_cmpuint (elves_zone_find (zone, span->start_s - 1), ==, index - 1);
  g_assert_cmpuint (elves_zone_find (zone, span->start_s), ==, index);
  assert_offset (zone, span->start_s - 1);
  assert_offset (zone, span->start_s);
}

/* Every change that the table has; and days between, for changes that it has not. */
static void
check_zone (const char *name)
{
  const ElvesZone *zone = elves_zone_get (name, NULL);

  g_assert_nonnull (zone);
  g_assert_true (elves_zone_get (name, NULL) == zone);
  g_assert_cmpstr (elves_zone_name (zone), ==, name);
  enter_zone (name);
  for (guint i = 1; elves_zone_span (zone, i) != NULL; i++)
    check_span (zone, i);
  for (gint64 at = ELVES_ZONE_BEGIN_S; at < ELVES_ZONE_END_S; at += 16 * ELVES_CIVIL_DAY_S)
    assert_offset (zone, at);
}

static void
test_all_zones (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n_zones = 0;

  if (!g_file_get_contents (ZONE_LIST, &text, NULL, NULL))
    {
      g_test_skip ("there is no " ZONE_LIST);
      return;
    }
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, "\t", -1);

      if (**line == '#' || g_strv_length (words) < 3)
        continue;
      check_zone (words[2]);
      n_zones++;
    }
  g_assert_cmpuint (n_zones, >, 300);
}

/* --- rules and files ------------------------------------------------------------------------- */

static const ElvesZoneSpan *
span_at (const ElvesZoneBuilder *builder, gint64 utc_s)
{
  guint i = builder->spans->len;

  while (i-- > 1)
    if (g_array_index (builder->spans, ElvesZoneSpan, i).start_s <= utc_s)
      break;
  return &g_array_index (builder->spans, ElvesZoneSpan, i);
}

static void
test_rules (void)
{
  static const char *const rules[] = {
    "UTC0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "IST-1GMT0,M10.5.0,M3.5.0/1",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "EET-2EEST,M3.4.4/50,M10.4.4/50",
    "AAA3BBB,J60/1,J300",
    "AAA3BBB,59/0,299/23:59:59",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_auto (ElvesZoneBuilder) builder = { NULL };
      g_autoptr (GError) error = NULL;

      elves_zone_builder_init (&builder);
      elves_zone_rule_apply (rules[i], ELVES_ZONE_BEGIN_S, &builder, &error);
      g_assert_no_error (error);
      enter_zone (rules[i]);
      for (gint64 at = 1262304000; at < 1451606400; at += 1800) /* 2010 to 2015 */
        if (span_at (&builder, at)->offset_s != offset_of_libc (at))
          g_error ("%s at %" G_GINT64_FORMAT ": %d, the C library says %ld", rules[i], at,
                   span_at (&builder, at)->offset_s, offset_of_libc (at));
    }
}

static void
test_bad_rules (void)
{
  static const char *const rules[] = {
    "",
    "CET",
    "CET-1CEST",
    "CET-1CEST,M3.5.0",
    "CET-1CEST,M13.5.0,M10.5.0",
    "CET-1CEST,M3.6.0,M10.5.0",
    "CET-1CEST,M3.5.7,M10.5.0",
    "CET-1CEST,M3.5.0,M10.5.0/3 ",
    "CET-1CEST,J0,J366",
    "<CET-1",
    "CET-99999",
    "CET-1:60",
    "CET-168",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_auto (ElvesZoneBuilder) builder = { NULL };
      g_autoptr (GError) error = NULL;

      elves_zone_builder_init (&builder);
      if (elves_zone_rule_apply (rules[i], ELVES_ZONE_BEGIN_S, &builder, &error))
        g_error ("\"%s\" is taken for a rule", rules[i]);
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
      g_assert_cmpuint (builder.spans->len, ==, 0);
    }
}

static gboolean
file_is_taken (const char *path, const char *bytes, gsize size)
{
  g_auto (ElvesZoneBuilder) builder = { NULL };
  g_autoptr (GError) error = NULL;
  gboolean taken;

  g_file_set_contents (path, bytes, (gssize) size, &error);
  g_assert_no_error (error);
  elves_zone_builder_init (&builder);
  taken = elves_zone_file_read (path, &builder, &error);
  g_assert_cmpint (taken, ==, error == NULL);
  g_assert_true (!taken || builder.spans->len > 0);
  return taken;
}

/* Cut anywhere, a file is refused. */
static void
test_cut_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("elves-zone-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "zone", NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  if (!g_file_get_contents ("/usr/share/zoneinfo/Africa/Casablanca", &bytes, &size, NULL))
    g_test_skip ("there is no time-zone data");
  else
    {
      g_assert_true (file_is_taken (path, bytes, size));
      for (gsize cut = 0; cut < size; cut += cut < 200 || cut > size - 40 ? 1 : 13)
        g_assert_false (file_is_taken (path, bytes, cut));
    }
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_utc (void)
{
  const ElvesZone *zone = elves_zone_get ("UTC", NULL);

  g_assert_null (elves_zone_span (zone, 1));
  g_assert_cmpint (elves_zone_span (zone, 0)->offset_s, ==, 0);
  g_assert_cmpint (elves_zone_span_end (zone, 0), ==, ELVES_ZONE_END_S);
  g_assert_cmpuint (elves_zone_find (zone, G_MININT64), ==, 0);
  g_assert_cmpuint (elves_zone_find (zone, G_MAXINT64), ==, 0);
}

static void
test_process_zone (void)
{
  g_assert_true (elves_zone_get (NULL, NULL) == elves_zone_get ("", NULL));
  g_assert_cmpstr (elves_zone_name (elves_zone_get (NULL, NULL)), ==, "Asia/Kathmandu");
  g_assert_cmpint (elves_zone_span (elves_zone_get ("", NULL), 0)->offset_s, ==, 5 * 3600 + 1800);
}

static void
test_unknown (void)
{
  static const char *const names[] = {
    "Mars/Olympus",    "/usr/share/zoneinfo/UTC",
    "../zoneinfo/UTC", "Europe/../UTC",
    "CET-1CEST",       "+01:00",
    "right/UTC",       "Europe",
    "Europe/",         " UTC",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      if (elves_zone_get (names[i], &error) != NULL)
        g_error ("\"%s\" is taken for a zone", names[i]);
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, names[i]));
    }
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "Asia/Kathmandu", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/zone/process", test_process_zone);
  g_test_add_func ("/zone/utc", test_utc);
  g_test_add_func ("/zone/unknown", test_unknown);
  g_test_add_func ("/zone/rules", test_rules);
  g_test_add_func ("/zone/bad-rules", test_bad_rules);
  g_test_add_func ("/zone/cut-file", test_cut_file);
  g_test_add_func ("/zone/all", test_all_zones);
  return g_test_run ();
}
