/* The life of a daemon around its main loop: options, configuration, start, readiness, signals,
   end. main() of every daemon is one call of elves_daemon_main() with a table of functions.

   The signal handlers stand before start() is called, so an early SIGTERM is not lost: it ends the
   daemon in order as soon as its loop runs. With the first signal the handlers are taken away
   again; the second one then has the system's own effect, even when the loop hangs.

   No forking into the background, no pid file, no reload: a service manager does the first two,
   a restart the third. */

#include "common/daemon.h"

#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum
{
  STATUS_OK = 0,
  STATUS_FAILED = 1,
  STATUS_USAGE = 2
};

typedef struct
{
  char *config_file;
  char **overrides;
  char *log_level;
  char *ready_file;
  gboolean check_config, version;
} Options;

struct ElvesDaemon
{
  const ElvesDaemonSpec *spec;
  GMainLoop *loop;
  gpointer self; /* of spec->start; NULL before and after */
  const char *ready_file;
  guint term_source, int_source; /* 0: not installed (any more) */
  gboolean is_ready, is_stopping, is_quitting;
  int status;
};

static void
options_clear (Options *self)
{
  g_free (self->config_file);
  g_strfreev (self->overrides);
  g_free (self->log_level);
  g_free (self->ready_file);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (const ElvesDaemonSpec *spec, Options *self, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &self->config_file, "Read this properties file",
      "FILE" },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->overrides,
      "Set one key, over file and environment; may be repeated", "KEY=VALUE" },
    { "check-config", 0, 0, G_OPTION_ARG_NONE, &self->check_config,
      "Say whether the configuration is good, and end", NULL },
    { "log-level", 0, 0, G_OPTION_ARG_STRING, &self->log_level,
      "error, warning, message (default), info or debug", "LEVEL" },
    { "ready-file", 0, 0, G_OPTION_ARG_FILENAME, &self->ready_file,
      "Make this file when serving, remove it at the end", "PATH" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &self->version, "Print the version, and end", NULL },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_set_summary (context, spec->summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "\"%s\" is not an option (see --help)",
                   (*argv)[1]);
      return FALSE;
    }
  if (!self->config_file && !self->version)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                   "no configuration: give --config FILE, such as /etc/elves/%s.properties",
                   spec->name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
load_config (const ElvesDaemonSpec *spec, const Options *options, gpointer config, GError **error)
{
  g_auto (GStrv) environment = g_get_environ ();
  if (!elves_config_load (spec->options, config, options->config_file,
                          (const char *const *) environment,
                          (const char *const *) options->overrides, FALSE, error))
    return FALSE;
  if (spec->check && !spec->check (config, error))
    {
      g_prefix_error (error, "%s: ", options->config_file);
      elves_config_clear (spec->options, config);
      return FALSE;
    }
  return TRUE;
}

/* Thousands of connections need more descriptors than the soft limit of most systems. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
    g_info ("the limit of open files stays as it is: %s", g_strerror (errno));
}

/* What sd_notify() of libsystemd does; see sd_notify(3) for the protocol. */
static void
notify_service_manager (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  if (!path || (path[0] != '/' && path[0] != '@') || strlen (path) >= sizeof address.sun_path)
    return;

  memcpy (address.sun_path, path, strlen (path));
  if (path[0] == '@')
    address.sun_path[0] = '\0'; /* an abstract socket */
  socklen_t length = offsetof (struct sockaddr_un, sun_path) + strlen (path);
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || sendto (fd, state, strlen (state), MSG_NOSIGNAL, (const struct sockaddr *) &address,
                        length) < 0)
    g_info ("the service manager cannot be told %s: %s", state, g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

static void
remove_signal_sources (ElvesDaemon *self)
{
  g_clear_handle_id (&self->term_source, g_source_remove);
  g_clear_handle_id (&self->int_source, g_source_remove);
}

static gboolean
on_stop_asked (gpointer user_data)
{
  ElvesDaemon *self = user_data;
  remove_signal_sources (self); /* GLib gives the signals back to the system */
  self->is_stopping = TRUE;
  g_message ("stopping");
  notify_service_manager ("STOPPING=1");
  self->spec->stop (self->self);
  return G_SOURCE_REMOVE;
}

/**
 * elves_daemon_ready:
 *
 * Says that the daemon serves: to the log, to the service manager, by the file of --ready-file.
 * Main thread; only the first call counts, and none after the daemon was told to stop.
 */
void
elves_daemon_ready (ElvesDaemon *self)
{
  if (self->is_ready || self->is_stopping)
    return;
  self->is_ready = TRUE;
  g_message ("ready");
  notify_service_manager ("READY=1");

  g_autofree char *pid = g_strdup_printf ("%ld\n", (long) getpid ());
  g_autoptr (GError) error = NULL;
  if (self->ready_file && !g_file_set_contents (self->ready_file, pid, -1, &error))
    g_warning ("cannot make the ready file: %s", error->message);
}

/**
 * elves_daemon_quit:
 * @status: the exit status of the process, of the first call
 *
 * Ends the main loop; the parts are then freed. Main thread, from inside start(), too.
 */
void
elves_daemon_quit (ElvesDaemon *self, int status)
{
  if (self->is_quitting)
    return;
  self->is_quitting = TRUE;
  self->status = status;
  g_main_loop_quit (self->loop);
}

static int
run (const ElvesDaemonSpec *spec, gconstpointer config, const char *ready_file)
{
  ElvesDaemon daemon = { .spec = spec, .ready_file = ready_file };
  g_autoptr (GError) error = NULL;

  daemon.loop = g_main_loop_new (NULL, FALSE);
  daemon.term_source = g_unix_signal_add (SIGTERM, on_stop_asked, &daemon);
  daemon.int_source = g_unix_signal_add (SIGINT, on_stop_asked, &daemon);
  if (ready_file)
    g_unlink (ready_file); /* of a run that crashed */

  daemon.self = spec->start (config, &daemon, &error);
  if (!daemon.self)
    {
      gboolean is_config = g_error_matches (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_printerr ("%s: cannot start: %s\n", spec->name, error->message);
      daemon.status = is_config ? STATUS_USAGE : STATUS_FAILED;
    }
  else if (!daemon.is_quitting)
    g_main_loop_run (daemon.loop);

  if (daemon.self)
    spec->free (daemon.self);
  if (daemon.is_ready && ready_file)
    g_unlink (ready_file);
  remove_signal_sources (&daemon);
  g_main_loop_unref (daemon.loop);
  return daemon.status;
}

static int
usage_failed (const ElvesDaemonSpec *spec, const GError *error)
{
  g_printerr ("%s: %s\n", spec->name, error->message);
  return STATUS_USAGE;
}

/**
 * elves_daemon_main:
 * @spec: what the daemon is
 * @argc: of main()
 * @argv: of main()
 *
 * Returns: the exit status: 0 stopped in order, 1 could not start or failed, 2 configuration or
 *   usage. What went wrong before the loop ran is one line on standard error.
 */
int
elves_daemon_main (const ElvesDaemonSpec *spec, int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;

  g_set_prgname (spec->name);
  if (!parse_options (spec, &options, &argc, &argv, &error))
    return usage_failed (spec, error);
  if (options.version)
    {
      g_print ("%s %s\n", spec->name, ELVES_VERSION);
      return STATUS_OK;
    }
  if (!elves_log_init (options.log_level ? options.log_level : "message", &error))
    return usage_failed (spec, error);

  g_autofree gpointer config = g_malloc0 (spec->config_size);
  if (!load_config (spec, &options, config, &error))
    return usage_failed (spec, error);

  int status = STATUS_OK;
  if (options.check_config)
    g_print ("%s: ok\n", options.config_file);
  else
    {
      signal (SIGPIPE, SIG_IGN);
      raise_descriptor_limit ();
      status = run (spec, config, options.ready_file);
    }
  elves_config_clear (spec->options, config);
  return status;
}
