/* The driver "log": a line of JSON for each notification, into a file, or into the log of the
 * daemon when no file is named. The file is written on a thread of its own; a full one becomes
 * FILE.1. */
#include "openapi/push.h"

#include "common/error.h"
#include "common/json-writer.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum
{
  WAITING_LIMIT = 1000 /* lines */
};

typedef struct
{
  const char *file; /* "": the log */
  guint64 limit_bytes;
  char *older;
  GThreadPool *writer; /* one thread, of lines */
} PushLog;

/* ---- on the thread ---- */

static gboolean
has_room (const PushLog *self, gsize length)
{
  GStatBuf status;

  return g_stat (self->file, &status) != 0 ||
         (guint64) status.st_size + length <= self->limit_bytes;
}

static gboolean
write_whole (int file, const char *text, gsize length)
{
  while (length > 0)
    {
      gssize written = TEMP_FAILURE_RETRY (write (file, text, length));

      if (written < 0)
        return FALSE;
      text += written;
      length -= (gsize) written;
    }
  return TRUE;
}

static void
on_line (gpointer data, gpointer user_data)
{
  PushLog *self = user_data;
  g_autofree char *line = data;
  int file;

  if (!has_room (self, strlen (line)))
    g_rename (self->file, self->older);
  file = open (self->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || !write_whole (file, line, strlen (line)))
    g_warning ("a notification is not recorded file=%s: %s", self->file, g_strerror (errno));
  if (file >= 0)
    close (file);
}

/* ---- on the main loop ---- */

static gpointer
open_log (const ElvesOpenapiConfig *config)
{
  PushLog *self = g_new0 (PushLog, 1);

  self->file = config->qbasecron_push_file;
  self->limit_bytes = config->qbasecron_push_max_file_bytes;
  if (*self->file == '\0')
    return self;
  self->older = g_strconcat (self->file, ".1", NULL);
  self->writer = g_thread_pool_new (on_line, self, 1, FALSE, NULL);
  return self;
}

static GString *
line_of (const ElvesPush *push)
{
  GString *line = g_string_new (NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *at = g_date_time_format_iso8601 (now);

  elves_json_open (line, NULL);
  elves_json_add_text (line, "at", at);
  elves_push_write (push, line, "notification");
  elves_json_close (line);
  return line;
}

static gboolean
push_to_log (gpointer driver, const ElvesPush *push, GError **error)
{
  PushLog *self = driver;
  g_autoptr (GString) line = NULL;

  if (self->writer != NULL && g_thread_pool_unprocessed (self->writer) >= WAITING_LIMIT)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_BUSY, "Too many notifications wait");
      return FALSE;
    }
  line = line_of (push);
  if (self->writer == NULL)
    {
      g_message ("a notification push=%s", line->str);
      return TRUE;
    }
  g_string_append_c (line, '\n');
  return g_thread_pool_push (self->writer, g_string_free (g_steal_pointer (&line), FALSE), error);
}

/* What waits is written first. */
static void
close_log (gpointer driver)
{
  PushLog *self = driver;

  if (self->writer != NULL)
    g_thread_pool_free (self->writer, FALSE, TRUE);
  g_free (self->older);
  g_free (self);
}

const ElvesPushDriver elves_push_log_driver = { open_log, push_to_log, close_log };
