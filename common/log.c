/* The log writer of the daemons, and the small tools for the lines that go through it.

   Every line is written by one write() and holds one message: control characters of a message are
   escaped, so what comes from outside cannot forge a line; a long one is cut. Below systemd, when
   standard error is the journal, the journal's own time and priority are used; everywhere else the
   line carries them.

   Nothing is buffered and nothing is dropped except by level. The writer may be called from any
   thread. */

#include "common/log.h"

#include "common/error.h"
#include "common/utf8.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
  MESSAGE_MAX_BYTES = 8192,
  FIELD_MAX_BYTES = 256,
  THROTTLE_US = G_USEC_PER_SEC
};

typedef struct
{
  GLogLevelFlags flag;
  const char *name; /* of --log-level and in a line */
  int priority;     /* of syslog */
} Level;

/* From the gravest on. A critical message is a bug of ours; --log-level does not tell it from an
   error. */
static const Level levels[] = {
  { G_LOG_LEVEL_ERROR, "error", 3 },     { G_LOG_LEVEL_CRITICAL, "critical", 3 },
  { G_LOG_LEVEL_WARNING, "warning", 4 }, { G_LOG_LEVEL_MESSAGE, "message", 5 },
  { G_LOG_LEVEL_INFO, "info", 6 },       { G_LOG_LEVEL_DEBUG, "debug", 7 },
};

/* Set once before the first line, read by every thread afterwards. */
static int max_priority = 5;
static gboolean to_journal;

static const Level *
level_of (GLogLevelFlags flags)
{
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (flags & levels[i].flag)
      return &levels[i];
  return &levels[G_N_ELEMENTS (levels) - 1];
}

/* JOURNAL_STREAM names the device and inode of the journal's socket; standard error may have been
   redirected since. */
static gboolean
stderr_is_journal (void)
{
  const char *stream = g_getenv ("JOURNAL_STREAM");
  struct stat status;
  if (!stream || fstat (STDERR_FILENO, &status) != 0)
    return FALSE;
  g_autofree char *own = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                          (guint64) status.st_dev, (guint64) status.st_ino);
  return g_str_equal (stream, own);
}

/* @text is valid UTF-8. */
static void
append_escaped (GString *out, const char *text, gboolean escape_quotes)
{
  for (const char *c = text; *c; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);
      if (character == '\n')
        g_string_append (out, "\\n");
      else if (escape_quotes && (character == '"' || character == '\\'))
        g_string_append_printf (out, "\\%c", (char) character);
      else if (g_unichar_iscntrl (character))
        g_string_append_printf (out, "\\x%02x", character);
      else
        g_string_append_unichar (out, character);
    }
}

static const char *
field_text (const GLogField *fields, gsize n_fields, const char *key, gssize *out_length)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key))
      {
        *out_length = fields[i].length;
        return fields[i].value;
      }
  *out_length = 0;
  return NULL;
}

static void
append_text (GString *line, const char *text, gssize length)
{
  gboolean cut;
  g_autofree char *clean =
      elves_utf8_clean (text, length < 0 ? strlen (text) : (gsize) length, MESSAGE_MAX_BYTES, &cut);
  append_escaped (line, clean, FALSE);
  if (cut)
    g_string_append (line, "...");
}

static void
append_time (GString *line)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *text = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");
  g_string_append_printf (line, "%s.%03dZ ", text, g_date_time_get_microsecond (now) / 1000);
}

static GLogWriterOutput
write_line (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const Level *level = level_of (flags);
  if (level->priority > max_priority)
    return G_LOG_WRITER_HANDLED;

  gssize domain_length, length;
  const char *domain = field_text (fields, n_fields, "GLIB_DOMAIN", &domain_length);
  const char *message = field_text (fields, n_fields, "MESSAGE", &length);
  g_autoptr (GString) line = g_string_sized_new (256);
  if (to_journal)
    g_string_append_printf (line, "<%d>", level->priority);
  else
    append_time (line);
  g_string_append_printf (line, "%s ", level->name);
  append_text (line, domain ? domain : "-", domain ? domain_length : -1);
  g_string_append_c (line, ' ');
  append_text (line, message ? message : "", length);
  g_string_append_c (line, '\n');

  /* There is nobody to tell when standard error is gone. */
  gssize written = write (STDERR_FILENO, line->str, line->len);
  return written == (gssize) line->len ? G_LOG_WRITER_HANDLED : G_LOG_WRITER_UNHANDLED;
}

static gboolean
find_priority (const char *name, int *out_priority)
{
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (levels[i].flag != G_LOG_LEVEL_CRITICAL && g_str_equal (levels[i].name, name))
      {
        *out_priority = levels[i].priority;
        return TRUE;
      }
  return FALSE;
}

/**
 * elves_log_init:
 * @level: lines below it are not written
 *
 * Makes ours the one log writer of the process. To be called before other threads log; a second
 * call only changes the level.
 *
 * Errors: %ELVES_ERROR_CONFIG for a level that is none.
 */
gboolean
elves_log_init (const char *level, GError **error)
{
  static gboolean is_installed;
  int priority;
  if (!find_priority (level, &priority))
    {
      g_set_error (
          error, ELVES_ERROR, ELVES_ERROR_CONFIG,
          "log level \"%s\" is not known (expected error, warning, message, info or debug)", level);
      return FALSE;
    }
  max_priority = priority;
  to_journal = stderr_is_journal ();
  if (!is_installed)
    g_log_set_writer_func (write_line, NULL, NULL); /* GLib allows it once */
  is_installed = TRUE;
  return TRUE;
}

static gboolean
needs_quotes (const char *value)
{
  for (const char *c = value; *c; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);
      if (character == '"' || character == '\\' || character == '=' ||
          g_unichar_isspace (character) || g_unichar_iscntrl (character))
        return TRUE;
    }
  return !*value;
}

/**
 * elves_log_field:
 * @key: a word
 * @value: (nullable): any text, from outside, too; %NULL as ""
 *
 * Returns: (transfer full): "key=value" for the end of a log line; of a long value, its beginning
 *   and "...". Any thread.
 */
char *
elves_log_field (const char *key, const char *value)
{
  const char *text = value ? value : "";
  gboolean cut;
  g_autofree char *clean = elves_utf8_clean (text, strlen (text), FIELD_MAX_BYTES, &cut);
  gboolean quoted = needs_quotes (clean);
  GString *field = g_string_new (key);
  g_string_append (field, quoted ? "=\"" : "=");
  append_escaped (field, clean, quoted);
  g_string_append (field, cut ? "..." : "");
  g_string_append (field, quoted ? "\"" : "");
  return g_string_free (field, FALSE);
}

/**
 * elves_log_throttle_pass:
 * @self: zero at first
 * @now_us: monotonic time, in microseconds
 * @out_held_back: (out): on %TRUE, how many were refused since the last that passed
 *
 * Returns: whether the line may be written now. Main thread.
 */
gboolean
elves_log_throttle_pass (ElvesLogThrottle *self, gint64 now_us, guint *out_held_back)
{
  if (self->last_us != 0 && now_us - self->last_us < THROTTLE_US)
    {
      self->held_back++;
      return FALSE;
    }
  *out_held_back = self->held_back;
  self->held_back = 0;
  self->last_us = now_us;
  return TRUE;
}
