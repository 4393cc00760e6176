/* One writer for all log lines: `2026-11-20T17:30:00.123Z level domain message key=value ...` to
   stderr; with the systemd journal's priority prefix instead of the time when JOURNAL_STREAM is
   set. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @level: "error", "warning", "message", "info" or "debug". Errors: ELVES_ERROR_CONFIG. */
gboolean elves_log_init (const char *level, GError **error);

/* "key=value" with the value quoted when it has blanks, quotes or control characters; bounded. */
char *elves_log_field (const char *key, const char *value);

/* At most one line a second from one place; says how many were held back. Not thread-safe: main
 * thread. */
typedef struct
{
  gint64 last_us;
  guint held_back;
} ElvesLogThrottle;

gboolean elves_log_throttle_pass (ElvesLogThrottle *self, gint64 now_us, guint *out_held_back);

G_END_DECLS
