/* Chooses the kind of containment, and keeps what both kinds share.
 *
 * A cell is closed when its job has its result. A cgroup can be removed only when its last process
 * has gone, which may be later; then the cell lingers and is tried again, more and more rarely, for
 * some hours. That is also how the cgroups of jobs whose leftovers are left alive are removed in
 * the end. Main thread only. */
#include "agent/containment-private.h"

#include "common/error.h"
#include "common/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FIRST_RETRY_MS 5
#define MAX_RETRY_MS 10000
#define MAX_RETRIES 2000
#define MAX_LINGERING 10000

static void
cell_free (gpointer data)
{
  ElvesCell *cell = data;
  elves_group_close (&cell->group);
  g_free (cell->tracking);
  g_free (cell);
}

/* Everything here is asked by opening files. When connections have taken the last descriptor a tree
   must be killed all the same, so some are kept for that. */
static void
take_spares (ElvesContainment *self)
{
  for (guint i = 0; i < ELVES_SPARE_DESCRIPTORS; i++)
    if (self->spares[i] < 0)
      self->spares[i] = open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
give_spares (ElvesContainment *self)
{
  for (guint i = 0; i < ELVES_SPARE_DESCRIPTORS; i++)
    {
      if (self->spares[i] >= 0)
        close (self->spares[i]);
      self->spares[i] = -1;
    }
}

static gboolean
choose_kind (ElvesContainment *self,
             ElvesContainmentMode mode,
             const char *cgroup_root,
             GError **error)
{
  g_autoptr (GError) why = NULL;
  if (mode != ELVES_CONTAIN_PROCESS && elves_containment_make_base (self, cgroup_root, &why))
    {
      self->kind = &elves_containment_cgroup;
      self->description = g_strdup_printf ("cgroup %s%s", self->base_path,
                                           self->can_kill_group ? "" : " (no cgroup.kill)");
      return TRUE;
    }
  if (mode == ELVES_CONTAIN_CGROUP)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "No cgroup for workers: ");
      return FALSE;
    }
  self->kind = &elves_containment_process;
  self->description =
      g_strdup_printf ("session, process group and ancestry (%s)",
                       why != NULL ? why->message : "as configured, no cgroup is used");
  return TRUE;
}

/**
 * elves_containment_new:
 * @mode: what to use
 * @cgroup_root: (nullable): folder of the cgroup below which to make cgroups; else the agent's own
 * @error: return location for a #GError
 *
 * Finds out by trying what this system allows, and makes this process a child subreaper. Blocks
 * for some milliseconds.
 *
 * Returns: (transfer full): the containment, or NULL.
 * Errors: %ELVES_ERROR_UNAVAILABLE when @mode is %ELVES_CONTAIN_CGROUP and none can be made.
 */
ElvesContainment *
elves_containment_new (ElvesContainmentMode mode, const char *cgroup_root, GError **error)
{
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                   "Cannot become a child subreaper: %s", g_strerror (errno));
      return NULL;
    }
  ElvesContainment *self = g_new0 (ElvesContainment, 1);
  self->base_fd = -1;
  for (guint i = 0; i < ELVES_SPARE_DESCRIPTORS; i++)
    self->spares[i] = -1;
  self->idle = g_array_new (FALSE, FALSE, sizeof (ElvesGroup));
  self->leaders = g_hash_table_new (NULL, NULL);
  self->lingering = g_ptr_array_new_with_free_func (cell_free);
  self->unique = g_strdup_printf ("%d-%" G_GINT64_FORMAT, (int) getpid (), g_get_real_time ());
  if (cgroup_root != NULL && *cgroup_root == '\0')
    cgroup_root = NULL;
  if (!choose_kind (self, mode, cgroup_root, error))
    g_clear_pointer (&self, elves_containment_free);
  else
    take_spares (self);
  return self;
}

static void
try_lingering (ElvesContainment *self)
{
  for (guint i = self->lingering->len; i > 0; i--)
    {
      ElvesCell *cell = g_ptr_array_index (self->lingering, i - 1);
      if (self->kind->close_cell (cell) || ++cell->n_retries > MAX_RETRIES)
        g_ptr_array_remove_index_fast (self->lingering, i - 1);
    }
}

/**
 * elves_containment_free:
 * @self: (nullable): a containment without open cells
 *
 * Removes the cgroups that are empty by now.
 */
void
elves_containment_free (ElvesContainment *self)
{
  if (self == NULL)
    return;
  if (self->retry != NULL)
    {
      g_source_destroy (self->retry);
      g_source_unref (self->retry);
    }
  give_spares (self);
  try_lingering (self);
  g_ptr_array_unref (self->lingering);
  elves_containment_remove_base (self);
  g_array_unref (self->idle);
  g_hash_table_unref (self->leaders);
  g_free (self->base_path);
  g_free (self->unique);
  g_free (self->description);
  g_free (self);
}

/**
 * elves_containment_describe:
 * @self: a containment
 *
 * Returns: (transfer none): which kind is in force; and why, if it is not the best.
 */
const char *
elves_containment_describe (const ElvesContainment *self)
{
  return self->description;
}

/**
 * elves_containment_spare_strays:
 * @self: a containment
 *
 * From now on a process that nothing ties to a job any more is left alone; otherwise, where there
 * are no cgroups, it is taken for one of the last job that is open.
 */
void
elves_containment_spare_strays (ElvesContainment *self)
{
  self->spare_strays = TRUE;
}

/**
 * elves_containment_open_cell:
 * @self: a containment, which must outlive the cell
 * @error: return location for a #GError
 *
 * Returns: (transfer full): a cell for one job, to be closed with elves_cell_close(); or NULL.
 * Errors: %ELVES_ERROR_UNAVAILABLE when the cgroup cannot be made.
 */
ElvesCell *
elves_containment_open_cell (ElvesContainment *self, GError **error)
{
  return elves_containment_open_marked_cell (self, "", error);
}

/**
 * elves_containment_open_marked_cell:
 * @self: a containment, which must outlive the cell
 * @mark: what the name of its cgroup begins with, at most 10 characters; "": no mark
 * @error: return location for a #GError
 *
 * Returns: (transfer full): as elves_containment_open_cell()
 */
ElvesCell *
elves_containment_open_marked_cell (ElvesContainment *self, const char *mark, GError **error)
{
  ElvesCell *cell = g_new0 (ElvesCell, 1);
  cell->containment = self;
  cell->group.group_fd = cell->group.procs_fd = -1;
  self->n_cells++;
  cell->group.is_marked = mark[0] != '\0';
  snprintf (cell->group.name, sizeof cell->group.name, "%s%s%" G_GUINT64_FORMAT, mark,
            cell->group.is_marked ? "-" : "", self->n_cells);
  cell->tracking = g_strdup_printf ("ELVES_TRACKING=%s-%s", self->unique, cell->group.name);
  if (self->kind->open_cell (cell, error))
    {
      self->n_open++;
      return cell;
    }
  cell_free (cell);
  return NULL;
}

/**
 * elves_cell_group_fd:
 * @self: a cell
 *
 * Returns: the descriptor of its cgroup's folder, for clone3(); -1: there is none, or nobody can be
 * born in it.
 */
int
elves_cell_group_fd (const ElvesCell *self)
{
  return self->containment->can_be_born_in_group ? self->group.group_fd : -1;
}

/**
 * elves_cell_join_fd:
 * @self: a cell
 *
 * Returns: the descriptor to which a process writes "0" to get into the cgroup; -1: there is none.
 */
int
elves_cell_join_fd (const ElvesCell *self)
{
  return self->group.procs_fd;
}

/**
 * elves_cell_tracking_entry:
 * @self: a cell
 *
 * Returns: (transfer none): what must be in the environment of the first process.
 */
const char *
elves_cell_tracking_entry (const ElvesCell *self)
{
  return self->tracking;
}

/**
 * elves_cell_group_path:
 * @self: a cell
 *
 * Returns: (transfer full) (nullable): the folder of its cgroup, which is nobody else's while the
 * cell is open, and no other agent's ever; %NULL: it has none
 */
char *
elves_cell_group_path (const ElvesCell *self)
{
  if (self->containment->base_fd < 0)
    return NULL;
  return g_build_filename (self->containment->base_path, self->group.name, NULL);
}

/**
 * elves_cell_set_leader:
 * @self: a cell
 * @leader: its first process: leader of a session, not yet reaped
 */
void
elves_cell_set_leader (ElvesCell *self, pid_t leader)
{
  ElvesProcess process;
  self->leader = leader;
  if (self->containment->base_fd >= 0 || !elves_process_read (leader, &process))
    return;
  self->leader_start = process.start;
  g_hash_table_add (self->containment->leaders, GINT_TO_POINTER (leader));
  if (self->containment->busy_since == 0)
    self->containment->busy_since = process.start;
}

/**
 * elves_cell_leader_ended:
 * @self: a cell whose leader has ended and is about to be reaped
 *
 * From now on its pid may be given to somebody else.
 */
void
elves_cell_leader_ended (ElvesCell *self)
{
  g_hash_table_remove (self->containment->leaders, GINT_TO_POINTER (self->leader));
}

/**
 * elves_cell_signal:
 * @self: a cell
 * @signal: SIGKILL: until none is left that does not have it; another: sent once to each process,
 *   and SIGCONT after it, so that a stopped process can heed it
 *
 * Returns: how many live processes it was sent to.
 */
guint
elves_cell_signal (ElvesCell *self, int signal)
{
  if (self->containment->kind->is_clear (self))
    return 0;
  give_spares (self->containment);
  guint n = self->containment->kind->signal (self, signal);
  take_spares (self->containment);
  return n;
}

/**
 * elves_cell_count:
 * @self: a cell
 *
 * Returns: how many processes of the job are alive. Zombies are not.
 */
guint
elves_cell_count (ElvesCell *self)
{
  if (self->containment->kind->is_clear (self))
    return 0;
  give_spares (self->containment);
  guint n = self->containment->kind->count (self);
  take_spares (self->containment);
  return n;
}

/**
 * elves_cell_count_others:
 * @self: a cell whose leader is alive
 *
 * Cheap when there is none.
 *
 * Returns: how many other processes of the job are alive
 */
guint
elves_cell_count_others (const ElvesCell *self)
{
  if (self->containment->kind->is_alone (self))
    return 0;
  guint n = elves_cell_count ((ElvesCell *) self);
  return n > 0 ? n - 1 : 0;
}

static guint
retry_after_ms (const ElvesContainment *self)
{
  guint least = G_MAXUINT;
  for (guint i = 0; i < self->lingering->len; i++)
    {
      const ElvesCell *cell = g_ptr_array_index (self->lingering, i);
      least = MIN (least, cell->n_retries);
    }
  return MIN (FIRST_RETRY_MS << MIN (least, 12), MAX_RETRY_MS);
}

static gboolean on_retry_came (gpointer user_data);

static void
schedule_retry (ElvesContainment *self)
{
  if (self->retry != NULL || self->lingering->len == 0)
    return;
  self->retry = g_timeout_source_new (retry_after_ms (self));
  g_source_set_callback (self->retry, on_retry_came, self, NULL);
  g_source_attach (self->retry, g_main_context_get_thread_default ());
}

static gboolean
on_retry_came (gpointer user_data)
{
  ElvesContainment *self = user_data;
  g_clear_pointer (&self->retry, g_source_unref);
  try_lingering (self);
  schedule_retry (self);
  return G_SOURCE_REMOVE;
}

/**
 * elves_cell_close:
 * @self: (nullable): a cell
 *
 * Frees the cell. Kills nothing; the cgroup is removed when it is empty.
 */
void
elves_cell_close (ElvesCell *self)
{
  if (self == NULL)
    return;
  ElvesContainment *containment = self->containment;
  elves_cell_leader_ended (self);
  if (--containment->n_open == 0)
    containment->busy_since = 0;
  if (containment->kind->close_cell (self) || containment->lingering->len >= MAX_LINGERING)
    {
      cell_free (self);
      return;
    }
  /* Only the name is needed from now on: no descriptors for what may last for hours. */
  elves_group_close (&self->group);
  g_ptr_array_add (containment->lingering, self);
  schedule_retry (containment);
}
