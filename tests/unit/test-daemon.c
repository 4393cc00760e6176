/* The life of a daemon: exit statuses, readiness, the two signals. Each case runs the daemon in
   this process; only the case that is killed runs in one of its own. */

#include "common/daemon.h"
#include "common/error.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *mode; /* what start() does */
  guint port;
} Config;

static const ElvesOption options[] = {
  { "mode", ELVES_OPTION_STRING, G_STRUCT_OFFSET (Config, mode), "run", .help = "what to do" },
  { "port", ELVES_OPTION_UINT, G_STRUCT_OFFSET (Config, port), "1", 0, 9, .help = "a number" },
  { NULL }
};

typedef struct
{
  guint starts, stops, frees;
  gboolean was_ready_file_seen;
  char *ready_file;
} Seen;

static Seen seen;
static ElvesDaemon *the_daemon;

static gboolean
check (gconstpointer data, GError **error)
{
  const Config *config = data;
  if (config->port != 9)
    return TRUE;
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "port: not 9");
  return FALSE;
}

static gboolean
on_running (gpointer user_data)
{
  elves_daemon_ready (the_daemon);
  elves_daemon_ready (the_daemon);
  seen.was_ready_file_seen = seen.ready_file && g_file_test (seen.ready_file, G_FILE_TEST_EXISTS);
  raise (SIGTERM);
  return G_SOURCE_REMOVE;
}

static gpointer
start (gconstpointer data, ElvesDaemon *daemon, GError **error)
{
  const Config *config = data;
  seen.starts++;
  the_daemon = daemon;
  if (g_str_equal (config->mode, "fail") || g_str_equal (config->mode, "misconfigured"))
    {
      gboolean is_config = g_str_equal (config->mode, "misconfigured");
      g_set_error_literal (error, ELVES_ERROR,
                           is_config ? ELVES_ERROR_CONFIG : ELVES_ERROR_UNAVAILABLE, "no");
      return NULL;
    }
  if (g_str_equal (config->mode, "quit"))
    {
      elves_daemon_quit (daemon, 1);
      elves_daemon_quit (daemon, 0); /* the first one counts */
    }
  else
    g_idle_add (on_running, NULL);
  return g_strdup (config->mode);
}

static void
stop (gpointer self)
{
  seen.stops++;
  if (g_str_equal (self, "hang"))
    raise (SIGINT); /* the second signal, of the other kind */
  elves_daemon_quit (the_daemon, 0);
}

static void
release (gpointer self)
{
  seen.frees++;
  g_free (self);
}

static const ElvesDaemonSpec spec = {
  .name = "elves-test",
  .summary = "Tests.",
  .options = options,
  .config_size = sizeof (Config),
  .check = check,
  .start = start,
  .stop = stop,
  .free = release,
};

/* @arguments: separated by blanks; FILE stands for a file that holds @text. */
static int
run (const char *arguments, const char *text)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("elves-test-XXXXXX", &path, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));

  g_autoptr (GString) line = g_string_new (arguments);
  g_string_replace (line, "FILE", path, 0);
  g_string_prepend (line, "elves-test ");
  g_auto (GStrv) argv = g_strsplit (g_strchomp (line->str), " ", -1);
  guint n = g_strv_length (argv);
  g_autofree char **passed = g_memdup2 (argv, (n + 1) * sizeof *argv); /* GOption takes some out */

  memset (&seen, 0, offsetof (Seen, ready_file));
  int status = elves_daemon_main (&spec, n, passed);
  g_unlink (path);
  return status;
}

static void
test_exit_status (void)
{
  static const struct
  {
    const char *arguments, *text;
    int status;
    guint starts, stops;
  } cases[] = {
    { "", "", 2, 0, 0 },
    { "--version", "", 0, 0, 0 },
    { "--no-such-option", "", 2, 0, 0 },
    { "--config FILE stray", "", 2, 0, 0 },
    { "--config /no/such/file", "", 2, 0, 0 },
    { "--config FILE", "port=x", 2, 0, 0 },
    { "--config FILE", "port=9", 2, 0, 0 }, /* the check */
    { "--config FILE --log-level loud", "", 2, 0, 0 },
    { "--config FILE --set port", "", 2, 0, 0 },
    { "--config FILE --check-config", "port=2", 0, 0, 0 },
    { "--config FILE --check-config", "prot=2", 2, 0, 0 },
    { "--config FILE --check-config --set port=9", "port=2", 2, 0, 0 },
    { "--config FILE", "mode=fail", 1, 1, 0 },
    { "--config FILE", "mode=misconfigured", 2, 1, 0 },
    { "--config FILE", "mode=quit", 1, 1, 0 },
    { "--config FILE --set mode=quit", "mode=run", 1, 1, 0 },
    { "--config FILE", "mode=run", 0, 1, 1 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s with %s", cases[i].arguments, cases[i].text);
      g_assert_cmpint (run (cases[i].arguments, cases[i].text), ==, cases[i].status);
      g_assert_cmpuint (seen.starts, ==, cases[i].starts);
      g_assert_cmpuint (seen.stops, ==, cases[i].stops);
      g_assert_cmpuint (seen.frees, <=, seen.starts);
    }
  g_assert_cmpuint (seen.frees, ==, 1);
}

static void
test_ready_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("elves-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "ready", NULL);
  g_autofree char *arguments = g_strconcat ("--config FILE --ready-file ", path, NULL);
  seen.ready_file = path;

  g_assert_cmpint (run (arguments, "mode=run"), ==, 0);
  g_assert_true (seen.was_ready_file_seen);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  /* What a crashed run left goes when the next one starts, even in vain. */
  g_assert_true (g_file_set_contents (path, "1", -1, NULL));
  g_assert_cmpint (run (arguments, "mode=fail"), ==, 1);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  seen.ready_file = NULL;
  g_rmdir (folder);
}

static void
assert_received (GSocket *socket, const char *expected)
{
  char buffer[64] = "";
  g_autoptr (GError) error = NULL;
  g_socket_receive (socket, buffer, sizeof buffer - 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (buffer, ==, expected);
}

static void
test_notify (void)
{
  g_autofree char *folder = g_dir_make_tmp ("elves-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "notify", NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, 0, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (socket, FALSE);
  g_assert_true (g_socket_bind (socket, address, FALSE, &error));

  g_setenv ("NOTIFY_SOCKET", path, TRUE);
  g_assert_cmpint (run ("--config FILE", "mode=run"), ==, 0);
  g_unsetenv ("NOTIFY_SOCKET");
  assert_received (socket, "READY=1"); /* once, though said twice */
  assert_received (socket, "STOPPING=1");
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_second_signal (void)
{
  if (g_test_subprocess ())
    {
      run ("--config FILE", "mode=hang");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed (); /* by the signal: stop() never came back */
  g_test_trap_assert_stderr ("*stopping*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/daemon/exit-status", test_exit_status);
  g_test_add_func ("/daemon/ready-file", test_ready_file);
  g_test_add_func ("/daemon/notify", test_notify);
  g_test_add_func ("/daemon/second-signal", test_second_signal);
  return g_test_run ();
}
