/* The crontab family: what the dialects of it differ in is a table.
 *
 *   crontab          minute hour dom month dow; dow 0-7. Of dom and dow one is enough when both are
 *                    restricted, as in cron(8): a field with a "*" in it, "*" + "/2" too, is not.
 *   crontab-seconds  robfig/cron v2: the same with seconds in front if there are six; dow 0-6, "?",
 *                    @every, TZ= in front
 *   timecloud        six fields or five, months 0-11, dow 0-6 from Monday (or Sunday); dom and dow
 *                    must both match; "n/s" is n; or an interval in words
 *   cronjob          a JSON object of second, minute, hour, dom, month, dow */

#include "common/error.h"
#include "common/json-reader.h"
#include "common/schedule-field.h"
#include "common/schedule-private.h"

#include <string.h>

enum
{
  SECOND,
  MINUTE,
  HOUR,
  DAY_OF_MONTH,
  MONTH,
  DAY_OF_WEEK,
  N_FIELDS
};

typedef struct
{
  ElvesFieldSpec specs[N_FIELDS];
  ElvesFieldFlags flags;
  guint least_fields; /* without seconds, they are 0 */
  guint most_fields;
  guint month_offset;   /* from what is written to 1-12 */
  guint weekday_offset; /* from what is written to 0 = Sunday, modulo 7 */
  gboolean both_days;
} Grammar;

#define TIME_SPECS                                                                        \
  [SECOND] = { "second", 0, 59, 0, NULL, 0 }, [MINUTE] = { "minute", 0, 59, 0, NULL, 0 }, \
  [HOUR] = { "hour", 0, 23, 0, NULL, 0 }, [DAY_OF_MONTH] = { "day of month", 1, 31, 0, NULL, 0 }

static const Grammar crontab = {
  .specs = { TIME_SPECS, [MONTH] = { "month", 1, 12, 0, elves_month_names, 1 },
             [DAY_OF_WEEK] = { "day of week", 0, 7, 0, elves_weekday_names, 0 } },
  .least_fields = N_FIELDS - 1,
  .most_fields = N_FIELDS - 1,
};

static const Grammar crontab_seconds = {
  .specs = { TIME_SPECS, [MONTH] = { "month", 1, 12, 0, elves_month_names, 1 },
             [DAY_OF_WEEK] = { "day of week", 0, 6, 0, elves_weekday_names, 0 } },
  .flags = ELVES_FIELD_QUESTION_MARK,
  .least_fields = N_FIELDS - 1,
  .most_fields = N_FIELDS,
};

static const char *const names_from_monday[] = { "MON", "TUE", "WED", "THU",
                                                 "FRI", "SAT", "SUN", NULL };

static const Grammar timecloud = {
  .specs = { TIME_SPECS, [MONTH] = { "month", 0, 11, 0, elves_month_names, 0 },
             [DAY_OF_WEEK] = { "day of week", 0, 6, 0, names_from_monday, 0 } },
  .flags = ELVES_FIELD_SINGLE_STEP,
  .least_fields = N_FIELDS - 1,
  .most_fields = N_FIELDS,
  .month_offset = 1,
  .weekday_offset = 1,
  .both_days = TRUE,
};

static const Grammar timecloud_sunday = {
  .specs = { TIME_SPECS, [MONTH] = { "month", 0, 11, 0, elves_month_names, 0 },
             [DAY_OF_WEEK] = { "day of week", 0, 6, 0, elves_weekday_names, 0 } },
  .flags = ELVES_FIELD_SINGLE_STEP,
  .least_fields = N_FIELDS - 1,
  .most_fields = N_FIELDS,
  .month_offset = 1,
  .both_days = TRUE,
};

static const Grammar cronjob = {
  .specs = { TIME_SPECS, [MONTH] = { "month", 1, 12, 0, elves_month_names, 1 },
             [DAY_OF_WEEK] = { "dow", 0, 7, 0, elves_weekday_names, 0 } },
};

/* --- fields ---------------------------------------------------------------------------------- */

/* Bits of the days as written -> bits from Sunday on; 7 is Sunday again. */
static guint8
rotate_weekdays (guint64 bits, guint offset)
{
  guint64 moved = bits << offset;

  return (guint8) ((moved | moved >> 7) & ELVES_EVERY_WEEKDAY);
}

static gboolean
parse_fields (const Grammar *grammar,
              const char *const texts[N_FIELDS],
              ElvesFields *out,
              GError **error)
{
  ElvesFieldBits bits[N_FIELDS];
  gboolean star[N_FIELDS];

  for (guint i = 0; i < N_FIELDS; i++)
    if (!elves_field_parse (&grammar->specs[i], grammar->flags, texts[i], &bits[i], &star[i],
                            error))
      return FALSE;
  *out = (ElvesFields){
    .seconds = bits[SECOND].words[0],
    .minutes = bits[MINUTE].words[0],
    .hours = (guint32) bits[HOUR].words[0],
    .days_of_month = (guint32) bits[DAY_OF_MONTH].words[0],
    .months = (guint16) (bits[MONTH].words[0] << grammar->month_offset),
    .weekdays = rotate_weekdays (bits[DAY_OF_WEEK].words[0], grammar->weekday_offset),
    .day_rule = grammar->both_days || star[DAY_OF_MONTH] || star[DAY_OF_WEEK] ? ELVES_DAYS_BOTH
                                                                              : ELVES_DAYS_EITHER,
  };
  return TRUE;
}

static gboolean
refuse_count (const Grammar *grammar, guint n_words, GError **error)
{
  g_autofree char *counts =
      grammar->least_fields == grammar->most_fields
          ? g_strdup_printf ("%u", grammar->least_fields)
          : g_strdup_printf ("%u or %u", grammar->least_fields, grammar->most_fields);

  g_set_error (
      error, ELVES_ERROR, ELVES_ERROR_INVALID,
      "the rule has %u field%s%s, expected %s: %sminute, hour, day of month, month, day of "
      "week",
      n_words, n_words == 1 ? "" : "s", n_words == ELVES_FIELDS_LIMIT ? " or more" : "", counts,
      grammar->most_fields == N_FIELDS ? "second, " : "");
  return FALSE;
}

static gboolean
parse_words (const Grammar *grammar, char **words, ElvesFields *out, GError **error)
{
  const char *texts[N_FIELDS] = { "0" };
  guint n_words = g_strv_length (words);

  if (n_words < grammar->least_fields || n_words > grammar->most_fields)
    return refuse_count (grammar, n_words, error);
  for (guint i = 0; i < n_words; i++)
    texts[N_FIELDS - n_words + i] = words[i];
  return parse_fields (grammar, texts, out, error);
}

static gboolean
parse_text (const Grammar *grammar, const char *text, ElvesFields *out, GError **error)
{
  g_auto (GStrv) words = elves_rule_split (text, error);

  return words != NULL && parse_words (grammar, words, out, error);
}

/* --- @daily and the like --------------------------------------------------------------------- */

static const struct
{
  const char *name;
  const char *rule;
} macros[] = {
  { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" },
  { "@weekly", "0 0 * * 0" }, { "@daily", "0 0 * * *" },    { "@midnight", "0 0 * * *" },
  { "@hourly", "0 * * * *" },
};

static gboolean
parse_macro (const char *text, const char *others, ElvesFields *out, GError **error)
{
  g_autofree char *name = g_strstrip (g_strdup (text));
  g_autofree char *shown = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (macros); i++)
    if (g_str_equal (name, macros[i].name))
      return parse_text (&crontab, macros[i].rule, out, error);
  shown = g_strescape (name, NULL);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
               "\"%s\" is not known, expected @yearly, @annually, @monthly, @weekly, @daily, "
               "@midnight, @hourly%s",
               shown, others);
  return FALSE;
}

/* --- the dialects ---------------------------------------------------------------------------- */

/**
 * elves_rule_parse_crontab: (skip)
 * @self: zero-filled
 * @text: the rule
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_rule_parse_crontab (ElvesRule *self, const char *text, GError **error)
{
  const char *start = text + strspn (text, " \t");

  return *start == '@' ? parse_macro (start, "", &self->fields, error)
                       : parse_text (&crontab, start, &self->fields, error);
}

/* "TZ=Europe/Berlin " in front; returns what follows. */
static const char *
take_zone (ElvesRule *self, const char *text, GError **error)
{
  static const char *const prefixes[] = { "TZ=", "CRON_TZ=" };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (text, prefixes[i]))
      {
        const char *name = text + strlen (prefixes[i]);
        gsize length = strcspn (name, " \t");

        if (length == 0)
          {
            g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                         "%s: expected the name of a time zone after it", prefixes[i]);
            return NULL;
          }
        self->zone_name = g_strndup (name, length);
        return name + length + strspn (name + length, " \t");
      }
  return text;
}

/**
 * elves_rule_parse_crontab_seconds: (skip)
 * @self: zero-filled
 * @text: the rule
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_rule_parse_crontab_seconds (ElvesRule *self, const char *text, GError **error)
{
  const char *start = take_zone (self, text + strspn (text, " \t"), error);

  if (start == NULL)
    return FALSE;
  if (g_str_has_prefix (start, "@every "))
    return elves_duration_parse_go (start + strlen ("@every "), &self->every_us, error);
  return *start == '@' ? parse_macro (start, " or @every 1h30m", &self->fields, error)
                       : parse_text (&crontab_seconds, start, &self->fields, error);
}

static gboolean
parse_timecloud (ElvesRule *self, const Grammar *grammar, const char *text, GError **error)
{
  return elves_duration_parse_words (text, &self->every_us, NULL) ||
         parse_text (grammar, text, &self->fields, error);
}

/**
 * elves_rule_parse_timecloud: (skip)
 * @self: zero-filled
 * @text: the rule
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_rule_parse_timecloud (ElvesRule *self, const char *text, GError **error)
{
  return parse_timecloud (self, &timecloud, text, error);
}

/**
 * elves_rule_parse_timecloud_sunday: (skip)
 * @self: zero-filled
 * @text: the rule
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_rule_parse_timecloud_sunday (ElvesRule *self, const char *text, GError **error)
{
  return parse_timecloud (self, &timecloud_sunday, text, error);
}

/* --- cronJob --------------------------------------------------------------------------------- */

/* Numbers stand for themselves. */
static char *
member_text (const ElvesJsonObject *object, guint field, GError **error)
{
  static const char *const members[] = { "second", "minute", "hour", "dom", "month", "dow" };
  ElvesJsonValue value = elves_json_object_get (object, members[field]);
  g_autofree char *text = NULL;

  if (value.kind == ELVES_JSON_ABSENT || value.kind == ELVES_JSON_NULL)
    return g_strdup (field < DAY_OF_MONTH ? "0" : "*");
  if (value.kind != ELVES_JSON_STRING && value.kind != ELVES_JSON_NUMBER)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: expected a string or a number",
                   members[field]);
      return NULL;
    }
  text = elves_json_value_to_text (value);
  return g_strescape (g_strstrip (text), NULL);
}

/**
 * elves_rule_parse_cronjob: (skip)
 * @self: zero-filled
 * @text: the rule, a JSON object
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_rule_parse_cronjob (ElvesRule *self, const char *text, GError **error)
{
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, strlen (text), error);
  g_auto (GStrv) texts = g_new0 (char *, N_FIELDS + 1);

  if (object == NULL)
    {
      g_prefix_error_literal (error, "the cronJob object: ");
      return FALSE;
    }
  for (guint i = 0; i < N_FIELDS; i++)
    if ((texts[i] = member_text (object, i, error)) == NULL)
      return FALSE;
  return parse_fields (&cronjob, (const char *const *) texts, &self->fields, error);
}
