/* argv, environment and folder of a worker.
 *
 * Arguments after the program (and its file): app, func, base64 of the parameter. There is no
 * shell. One argument of a program can have 131072 bytes at most, so a parameter whose base64 is
 * longer than worker.argvLimit goes another way: the third argument is "", and ELVES_PARAM_FILE
 * names a file that holds the parameter as it is, readable by the worker's user alone, gone after
 * the job. Otherwise that variable is not set.
 *
 * The environment is made new: nothing of the agent's own reaches a worker but TZ.
 * The working directory is the app's folder. (The original has the agent's own there, which depends
 * on how the agent was started: no app can rely on it.)
 */
#include "agent/command.h"

#include "agent/accounts.h"
#include "agent/remains.h"
#include "agent/warm-line.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PARAM_FILE_PREFIX "param-"

struct ElvesCommands
{
  const ElvesAgentConfig *config;
  char *run_dir;
  gboolean run_dir_is_ours; /* made for this process alone */
  ElvesAccounts *accounts;
};

/* Parameter files of an agent that was killed. */
static void
remove_old_param_files (const char *run_dir)
{
  GDir *folder = g_dir_open (run_dir, 0, NULL);
  if (folder == NULL)
    return;
  for (const char *name = g_dir_read_name (folder); name != NULL; name = g_dir_read_name (folder))
    if (g_str_has_prefix (name, PARAM_FILE_PREFIX))
      {
        g_autofree char *path = g_build_filename (run_dir, name, NULL);
        unlink (path);
      }
  g_dir_close (folder);
}

/* Returns: (transfer full) (nullable): run.dir, or a new folder when none is configured. Workers of
   other users have to pass through it to their own file, and cannot list it. */
static char *
make_run_dir (const char *configured, GError **error)
{
  g_autofree char *path = NULL;
  gboolean made;
  if (configured[0] != '\0')
    {
      path = g_strdup (configured);
      made = g_mkdir_with_parents (path, 0711) == 0;
    }
  else
    {
      path = g_build_filename (g_get_tmp_dir (), "elves-agent-XXXXXX", NULL);
      made = g_mkdtemp_full (path, 0711) != NULL;
    }
  if (made)
    return g_steal_pointer (&path);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot make run.dir %s: %s", path,
               g_strerror (errno));
  return NULL;
}

/**
 * elves_commands_new:
 * @config: the agent's configuration; must outlive the result
 *
 * Makes run.dir, and empties it of parameter files: no two agents may share one. Looks up the users
 * of all apps, which may block.
 *
 * Returns: (transfer full): a maker of commands
 * Errors: %ELVES_ERROR_UNAVAILABLE when run.dir cannot be made
 */
ElvesCommands *
elves_commands_new (const ElvesAgentConfig *config, GError **error)
{
  g_autofree char *run_dir = make_run_dir (config->run_dir, error);
  if (run_dir == NULL)
    return NULL;
  remove_old_param_files (run_dir);

  ElvesCommands *self = g_new0 (ElvesCommands, 1);
  self->config = config;
  self->run_dir = g_steal_pointer (&run_dir);
  self->run_dir_is_ours = config->run_dir[0] == '\0';
  self->accounts = elves_accounts_new (config);
  return self;
}

/**
 * elves_commands_free:
 * @self: (nullable): a maker of commands
 */
void
elves_commands_free (ElvesCommands *self)
{
  if (self == NULL)
    return;
  if (self->run_dir_is_ours)
    rmdir (self->run_dir);
  g_free (self->run_dir);
  elves_accounts_free (self->accounts);
  g_free (self);
}

static gboolean
write_all (int fd, const guint8 *bytes, gsize length)
{
  while (length > 0)
    {
      ssize_t written = write (fd, bytes, length);
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return FALSE;
      bytes += written;
      length -= written;
    }
  return TRUE;
}

static gboolean
fill_param_file (int fd, GBytes *param, const ElvesAccount *account)
{
  gsize length;
  const guint8 *bytes = g_bytes_get_data (param, &length);
  gboolean foreign = account->ids.uid != geteuid ();
  return write_all (fd, bytes, length) &&
         (!foreign || fchown (fd, account->ids.uid, account->ids.gid) == 0);
}

/* Returns: (transfer full) (nullable): its path. mkstemp() gives it mode 0600. */
static char *
make_param_file (const char *run_dir, GBytes *param, const ElvesAccount *account, GError **error)
{
  g_autofree char *path = g_build_filename (run_dir, PARAM_FILE_PREFIX "XXXXXX", NULL);
  int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  gboolean done = fd >= 0 && fill_param_file (fd, param, account);
  int problem = errno;
  if (fd >= 0)
    close (fd);
  if (done)
    return g_steal_pointer (&path);
  if (fd >= 0)
    unlink (path);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "parameter file in %s: %s", run_dir,
               g_strerror (problem));
  return NULL;
}

static gsize
base64_length (gsize length)
{
  return (length + 2) / 3 * 4;
}

/* The program, its file, the app: what every worker is started with. */
static GPtrArray *
begin_argv (const ElvesAppEntry *entry, const char *app)
{
  GPtrArray *argv = g_ptr_array_new ();
  g_ptr_array_add (argv, g_strdup (entry->program));
  if (entry->file != NULL)
    g_ptr_array_add (argv, g_strdup (entry->file));
  g_ptr_array_add (argv, g_strdup (app));
  return argv;
}

static GStrv
build_argv (const ElvesInstruct *instruct, const ElvesAppEntry *entry, gboolean param_by_file)
{
  gsize length;
  const guint8 *param = g_bytes_get_data (instruct->param, &length);
  GPtrArray *argv = begin_argv (entry, instruct->app);
  g_ptr_array_add (argv, g_strdup (instruct->func));
  g_ptr_array_add (argv,
                   param_by_file || length == 0 ? g_strdup ("") : g_base64_encode (param, length));
  g_ptr_array_add (argv, NULL);
  return (GStrv) g_ptr_array_free (argv, FALSE);
}

static void
add_variable (GPtrArray *environment, const char *name, const char *value)
{
  if (value != NULL)
    g_ptr_array_add (environment, g_strconcat (name, "=", value, NULL));
}

static GPtrArray *
begin_environment (const ElvesCommands *self, const char *app, const ElvesAccount *account)
{
  GPtrArray *environment = g_ptr_array_new ();
  add_variable (environment, "PATH", self->config->worker_path);
  add_variable (environment, "HOME", account->home);
  add_variable (environment, "USER", account->name);
  add_variable (environment, "LOGNAME", account->name);
  add_variable (environment, "LANG", "C.UTF-8");
  add_variable (environment, "TZ", g_getenv ("TZ"));
  add_variable (environment, "ELVES_APP", app);
  return environment;
}

static GStrv
build_environment (const ElvesCommands *self,
                   const ElvesInstruct *instruct,
                   const ElvesAccount *account,
                   guint timeout_s,
                   const char *param_file)
{
  char timeout[16];
  g_snprintf (timeout, sizeof timeout, "%u", timeout_s);
  GPtrArray *environment = begin_environment (self, instruct->app, account);
  add_variable (environment, "ELVES_ID", instruct->id);
  add_variable (environment, "ELVES_FUNC", instruct->func);
  add_variable (environment, "ELVES_TYPE", instruct->type);
  add_variable (environment, "ELVES_EXECUTION", instruct->execution);
  add_variable (environment, "ELVES_TIMEOUT", timeout);
  add_variable (environment, "ELVES_PARAM_FILE", param_file);
  g_ptr_array_add (environment, NULL);
  return (GStrv) g_ptr_array_free (environment, FALSE);
}

/* An agent without rights may be told to run workers as the user that it is itself. */
static gboolean
must_change_to (const ElvesAccount *account, const char *user)
{
  return user != NULL && (geteuid () == 0 || account->ids.uid != geteuid ());
}

static GStrv
build_warm_environment (const ElvesCommands *self, const char *app, const ElvesAccount *account)
{
  GPtrArray *environment = begin_environment (self, app, account);
  add_variable (environment, "ELVES_WARM", G_STRINGIFY (ELVES_WARM_PROTOCOL));
  g_autofree char *owner = elves_remains_owner (self->config->journal_dir);
  if (self->config->journal_enabled)
    add_variable (environment, ELVES_WARM_OWNER, owner);
  g_ptr_array_add (environment, NULL);
  return (GStrv) g_ptr_array_free (environment, FALSE);
}

static const ElvesAccount *
find_account (ElvesCommands *self, const char *user, GError **error)
{
  return user != NULL ? elves_accounts_find (self->accounts, user, error)
                      : elves_accounts_own (self->accounts);
}

/**
 * elves_commands_build_warm:
 * @self: a maker of commands
 * @app: of the worker
 * @entry: what is to be started
 * @user: (nullable): whom the worker runs as; %NULL: as the agent
 *
 * Returns: (transfer full) (nullable): what to execute: it has one argument, the app, and
 * ELVES_WARM in its environment
 * Errors: %ELVES_ERROR_UNAVAILABLE: no such user
 */
ElvesCommand *
elves_commands_build_warm (ElvesCommands *self,
                           const char *app,
                           const ElvesAppEntry *entry,
                           const char *user,
                           GError **error)
{
  const ElvesAccount *account = find_account (self, user, error);
  if (account == NULL)
    return NULL;
  GPtrArray *argv = begin_argv (entry, app);
  g_ptr_array_add (argv, NULL);
  ElvesCommand *command = g_new0 (ElvesCommand, 1);
  command->argv = (GStrv) g_ptr_array_free (argv, FALSE);
  command->environment = build_warm_environment (self, app, account);
  command->directory = g_strdup (entry->directory);
  command->user = must_change_to (account, user) ? &account->ids : NULL;
  return command;
}

/**
 * elves_commands_build:
 * @self: a maker of commands
 * @instruct: the job
 * @entry: what its app and proxy were resolved to
 * @user: (nullable): whom the worker runs as; %NULL: as the agent
 * @timeout_s: the effective timeout, in seconds; 0: none
 *
 * Returns: (transfer full) (nullable): what to execute
 * Errors: %ELVES_ERROR_UNAVAILABLE: no such user, or the parameter file cannot be written
 */
ElvesCommand *
elves_commands_build (ElvesCommands *self,
                      const ElvesInstruct *instruct,
                      const ElvesAppEntry *entry,
                      const char *user,
                      guint timeout_s,
                      GError **error)
{
  const ElvesAccount *account = find_account (self, user, error);
  if (account == NULL)
    return NULL;

  gboolean by_file =
      base64_length (g_bytes_get_size (instruct->param)) > self->config->param_argv_limit_bytes;
  g_autofree char *param_file = NULL;
  if (by_file)
    {
      param_file = make_param_file (self->run_dir, instruct->param, account, error);
      if (param_file == NULL)
        return NULL;
    }

  ElvesCommand *command = g_new0 (ElvesCommand, 1);
  command->argv = build_argv (instruct, entry, by_file);
  command->environment = build_environment (self, instruct, account, timeout_s, param_file);
  command->directory = g_strdup (entry->directory);
  command->user = must_change_to (account, user) ? &account->ids : NULL;
  command->param_file = g_steal_pointer (&param_file);
  return command;
}

/**
 * elves_command_free:
 * @self: (nullable): a command whose worker has ended; its parameter file is removed
 */
void
elves_command_free (ElvesCommand *self)
{
  if (self == NULL)
    return;
  if (self->param_file != NULL)
    unlink (self->param_file);
  g_free (self->param_file);
  g_strfreev (self->argv);
  g_strfreev (self->environment);
  g_free (self->directory);
  g_free (self);
}
