/* What is installed, and what a request starts.
 *
 * An app is a folder below apps.dir whose name is a valid one and which apps.allowed lets in.
 * A request names an app and, with `proxy`, a program of it:
 *
 *   ""             worker.python with the app's app-worker.py
 *   "interp|file"  the interpreter, with a file of the app
 *   anything else  the text before the first bar, as a file of the app
 *
 * Promise: a file that a request names lies inside the app's folder, links followed, or nothing is
 * started. The interpreter is the exception, as in the original: it is a name to look up in
 * worker.path, or an absolute path. Whoever may change an app's folder may run what he likes
 * anyway, so a folder that changes between the check and the start is no concern here.
 *
 * The folders are looked at when asked, not remembered: an app put there works at once.
 */
#include "agent/apps.h"

#include "agent/small-file.h"
#include "common/error.h"
#include "common/names.h"
#include "common/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_NAME_BYTES 128
#define MAX_VERSION_BYTES 64
#define DEFAULT_WORKER "app-worker.py"

struct ElvesApps
{
  const ElvesAgentConfig *config;
  GHashTable *allowed; /* (nullable) set of names; NULL: every one */
};

/**
 * elves_app_entry_clear:
 * @self: an entry, or one with all fields %NULL
 */
void
elves_app_entry_clear (ElvesAppEntry *self)
{
  g_clear_pointer (&self->program, g_free);
  g_clear_pointer (&self->file, g_free);
  g_clear_pointer (&self->directory, g_free);
}

static void
app_info_free (ElvesAppInfo *info)
{
  g_free (info->name);
  g_free (info->version);
  g_free (info);
}

/**
 * elves_app_name_is_valid:
 * @name: a name from outside
 *
 * Returns: whether it can name an app: letters, digits, `.`, `_`, `-`, no dot in front, at most
 * 128.
 */
gboolean
elves_app_name_is_valid (const char *name)
{
  if (name[0] == '\0' || name[0] == '.')
    return FALSE;
  gsize length = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-");
  return name[length] == '\0' && length <= MAX_NAME_BYTES;
}

static GHashTable *
parse_allowed (const char *text)
{
  g_autoptr (GHashTable) allowed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) names = g_strsplit_set (text, ", \t", -1);
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_equal (names[i], "*"))
        return NULL;
      if (names[i][0] != '\0')
        g_hash_table_add (allowed, g_strdup (names[i]));
    }
  return g_steal_pointer (&allowed);
}

/**
 * elves_apps_new:
 * @config: the agent's configuration; must outlive the result
 *
 * Returns: (transfer full): the apps of this host
 */
ElvesApps *
elves_apps_new (const ElvesAgentConfig *config)
{
  ElvesApps *self = g_new0 (ElvesApps, 1);
  self->config = config;
  self->allowed = parse_allowed (config->apps_allowed);
  return self;
}

/**
 * elves_apps_free:
 * @self: (nullable): apps
 */
void
elves_apps_free (ElvesApps *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->allowed, g_hash_table_unref);
  g_free (self);
}

/**
 * elves_apps_path:
 * @self: apps
 * @app: a valid name
 * @file: (nullable): a file of the app
 *
 * Returns: (transfer full): its path, whether it exists or not
 */
char *
elves_apps_path (const ElvesApps *self, const char *app, const char *file)
{
  return g_build_filename (self->config->apps_dir, app, file, NULL);
}

static gboolean
is_folder (const char *path)
{
  struct stat status;
  return stat (path, &status) == 0 && S_ISDIR (status.st_mode);
}

/**
 * elves_apps_is_installed:
 * @self: apps
 * @app: a name from outside
 *
 * The name of the built-in app is never that of a folder.
 *
 * Returns: whether there is such an app and it is allowed
 */
gboolean
elves_apps_is_installed (const ElvesApps *self, const char *app)
{
  if (!elves_app_name_is_valid (app) || g_str_equal (app, ELVES_BUILTIN_APP))
    return FALSE;
  if (self->allowed != NULL && !g_hash_table_contains (self->allowed, app))
    return FALSE;
  g_autofree char *path = elves_apps_path (self, app, NULL);
  return is_folder (path);
}

/* A relative path that cannot climb: links are looked at later, when it is known to exist. */
static gboolean
file_name_is_safe (const char *file)
{
  if (file[0] == '\0' || file[0] == '/')
    return FALSE;
  for (const char *at = file; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      return FALSE;
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);
  return !g_strv_contains ((const char *const *) parts, "..");
}

static gboolean
interpreter_is_safe (const char *interpreter)
{
  return interpreter[0] == '/' || strchr (interpreter, '/') == NULL;
}

static gboolean
is_beneath (const char *real_folder, const char *real_file)
{
  gsize length = strlen (real_folder);
  return strncmp (real_file, real_folder, length) == 0 && real_file[length] == '/';
}

static gboolean
fail (ElvesReason *out_reason, ElvesReason reason, ElvesError code, GError **error, char *message)
{
  *out_reason = reason;
  g_set_error_literal (error, ELVES_ERROR, code, message);
  g_free (message);
  return FALSE;
}

/* The app's folder may itself be a link (a release behind a name): its real place is what counts.
 */
static gboolean
check_file (const char *directory, const char *path, ElvesReason *out_reason, GError **error)
{
  char *real_folder = realpath (directory, NULL);
  char *real_file = real_folder != NULL ? realpath (path, NULL) : NULL;
  int problem = errno;
  gboolean found = real_file != NULL;
  gboolean inside = found && is_beneath (real_folder, real_file);
  free (real_folder);
  free (real_file);

  if (!found)
    {
      g_autofree char *text = g_ascii_strdown (g_strerror (problem), -1);
      return fail (out_reason, ELVES_REASON_WORKER_MISSING, ELVES_ERROR_NOT_FOUND, error,
                   g_strdup_printf ("app exec error : fork/exec %s: %s", path, text));
    }
  if (!inside)
    return fail (out_reason, ELVES_REASON_INVALID, ELVES_ERROR_INVALID, error,
                 g_strdup_printf ("app exec error : %s leads out of the app's folder", path));
  return TRUE;
}

/* `proxy` into its two parts; *out_interpreter stays NULL when the file is the program. */
static void
split_proxy (const ElvesApps *self, const char *proxy, char **out_interpreter, char **out_file)
{
  if (proxy[0] == '\0')
    {
      *out_interpreter = g_strdup (self->config->worker_python);
      *out_file = g_strdup (DEFAULT_WORKER);
      return;
    }
  const char *bar = strchr (proxy, '|');
  gboolean one_bar = bar != NULL && strchr (bar + 1, '|') == NULL;
  *out_interpreter = one_bar ? g_strndup (proxy, bar - proxy) : NULL;
  if (one_bar)
    *out_file = g_strdup (bar + 1);
  else
    *out_file = bar != NULL ? g_strndup (proxy, bar - proxy) : g_strdup (proxy);
}

static gboolean
check_names (const char *interpreter, const char *file, ElvesReason *out_reason, GError **error)
{
  if (interpreter != NULL && interpreter[0] == '\0')
    return fail (out_reason, ELVES_REASON_WORKER_MISSING, ELVES_ERROR_NOT_FOUND, error,
                 g_strdup ("app exec error : exec: no command"));
  if (!file_name_is_safe (file) || (interpreter != NULL && !interpreter_is_safe (interpreter)))
    return fail (out_reason, ELVES_REASON_INVALID, ELVES_ERROR_INVALID, error,
                 g_strdup ("app exec error : the proxy does not name a file of the app"));
  return TRUE;
}

static gboolean
check_app (const ElvesApps *self, const char *app, ElvesReason *out_reason, GError **error)
{
  if (elves_apps_is_installed (self, app))
    return TRUE;
  gboolean nameable = app[0] == '\0' || elves_app_name_is_valid (app);
  return fail (out_reason, nameable ? ELVES_REASON_APP_MISSING : ELVES_REASON_INVALID,
               nameable ? ELVES_ERROR_NOT_FOUND : ELVES_ERROR_INVALID, error,
               g_strdup_printf ("app [%s] not install !", app));
}

/**
 * elves_apps_resolve:
 * @self: apps
 * @app: as the request has it
 * @proxy: as the request has it
 * @out_entry: set when found
 * @out_reason: set when not
 * @error: its message is the result text of the job
 *
 * Returns: whether there is something to start
 * Errors: %ELVES_ERROR_NOT_FOUND (no such app, no such worker), %ELVES_ERROR_INVALID (a name that
 * is none, or that leaves the app's folder)
 */
gboolean
elves_apps_resolve (const ElvesApps *self,
                    const char *app,
                    const char *proxy,
                    ElvesAppEntry *out_entry,
                    ElvesReason *out_reason,
                    GError **error)
{
  if (!check_app (self, app, out_reason, error))
    return FALSE;

  g_autofree char *interpreter = NULL;
  g_autofree char *file = NULL;
  split_proxy (self, proxy, &interpreter, &file);
  if (!check_names (interpreter, file, out_reason, error))
    return FALSE;

  g_autofree char *directory = elves_apps_path (self, app, NULL);
  g_autofree char *path = g_build_filename (directory, file, NULL);
  if (!check_file (directory, path, out_reason, error))
    return FALSE;

  gboolean direct = interpreter == NULL;
  out_entry->program = direct ? g_steal_pointer (&path) : g_steal_pointer (&interpreter);
  out_entry->file = direct ? NULL : g_steal_pointer (&path);
  out_entry->directory = g_steal_pointer (&directory);
  return TRUE;
}

/* The first line of the app's file VERSION, made safe to show; "" when there is none. */
static char *
read_version_file (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "VERSION", NULL);
  gsize length;
  g_autofree char *line = elves_small_file_read (path, MAX_VERSION_BYTES * 2, &length, NULL);
  if (line == NULL)
    return g_strdup ("");
  const char *end = memchr (line, '\n', length);
  gsize line_length = end != NULL ? (gsize) (end - line) : length;
  return g_strstrip (elves_utf8_clean (line, line_length, MAX_VERSION_BYTES, NULL));
}

static ElvesAppInfo *
describe_app (const ElvesApps *self, const char *name)
{
  ElvesAppInfo *info = g_new0 (ElvesAppInfo, 1);
  const char *configured = g_hash_table_lookup (self->config->app_version, name);
  g_autofree char *directory = elves_apps_path (self, name, NULL);
  info->name = g_strdup (name);
  info->version = configured != NULL ? g_strdup (configured) : read_version_file (directory);
  return info;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const ElvesAppInfo *const *first = a;
  const ElvesAppInfo *const *second = b;
  return strcmp ((*first)->name, (*second)->name);
}

/**
 * elves_apps_list:
 * @self: apps
 *
 * The version is that of `app.NAME.version`, else the first line of the app's file VERSION.
 *
 * Returns: (transfer container): of #ElvesAppInfo, by name; empty when apps.dir cannot be read
 */
GPtrArray *
elves_apps_list (const ElvesApps *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) app_info_free);
  GDir *folder = g_dir_open (self->config->apps_dir, 0, NULL);
  if (folder == NULL)
    return list;
  for (const char *name = g_dir_read_name (folder); name != NULL; name = g_dir_read_name (folder))
    if (elves_apps_is_installed (self, name))
      g_ptr_array_add (list, describe_app (self, name));
  g_dir_close (folder);
  g_ptr_array_sort (list, compare_names);
  return list;
}

/**
 * elves_apps_concurrency:
 * @self: apps
 * @app: a valid name
 *
 * Returns: how many workers of @app may run at one time
 */
guint
elves_apps_concurrency (const ElvesApps *self, const char *app)
{
  const char *own = g_hash_table_lookup (self->config->app_concurrency, app);
  return own != NULL ? (guint) g_ascii_strtoull (own, NULL, 10) : self->config->max_running_per_app;
}

/**
 * elves_apps_user:
 * @self: apps
 * @app: a valid name
 *
 * Returns: (nullable): whom its workers run as; %NULL: as the agent
 */
const char *
elves_apps_user (const ElvesApps *self, const char *app)
{
  const char *user = g_hash_table_lookup (self->config->app_user, app);
  return user != NULL && user[0] != '\0' ? user : NULL;
}
