/* Who may run now.
 *
 * Two limits: workers on this host, and workers of one app. Behind them each app has a queue of its
 * own, first in first out, and the apps take turns: an app at its limit, or one that sent a
 * thousand jobs, does not keep the others from running. All queues together are bounded; beyond
 * that a job is refused, and its sender knows at once.
 *
 * An app is in the ring of `turns` exactly when it has somebody waiting and is below its own limit.
 * So every step is O(1), however many wait.
 */
#include "agent/admission.h"

#include "common/error.h"

typedef struct
{
  char *name;
  guint limit; /* 0: none of its own */
  guint running;
  GQueue waiting; /* of ElvesTicket, by its link */
  GList turn;     /* this app's place in the ring */
  gboolean in_ring;
} App;

struct ElvesTicket
{
  ElvesAdmission *admission;
  App *app;
  ElvesAdmittedFunc admitted_func;
  gpointer user_data;
  GList link; /* in app->waiting, while not admitted */
  gboolean admitted;
};

struct ElvesAdmission
{
  guint max_running;
  guint max_waiting;
  guint running;
  guint waiting;
  GHashTable *apps; /* name -> App: those with somebody running or waiting */
  GQueue turns;
  gboolean admitting; /* inside the loop of admit_who_may(): a nested call has nothing to do */
};

static void
app_free (App *app)
{
  g_free (app->name);
  g_free (app);
}

/**
 * elves_admission_new:
 * @max_running: workers at one time on this host, > 0
 * @max_waiting: jobs waiting behind them, of all apps together; 0: none waits
 *
 * Returns: (transfer full): a new admission
 */
ElvesAdmission *
elves_admission_new (guint max_running, guint max_waiting)
{
  ElvesAdmission *self = g_new0 (ElvesAdmission, 1);
  self->max_running = max_running;
  self->max_waiting = max_waiting;
  self->apps = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) app_free);
  g_queue_init (&self->turns);
  return self;
}

/**
 * elves_admission_free:
 * @self: (nullable): an admission whose tickets have all left
 */
void
elves_admission_free (ElvesAdmission *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->apps);
  g_free (self);
}

static App *
find_or_add_app (ElvesAdmission *self, const char *name, guint limit)
{
  App *app = g_hash_table_lookup (self->apps, name);
  if (app == NULL)
    {
      app = g_new0 (App, 1);
      app->name = g_strdup (name);
      app->turn.data = app;
      g_queue_init (&app->waiting);
      g_hash_table_insert (self->apps, app->name, app);
    }
  app->limit = limit;
  return app;
}

static gboolean
app_is_at_limit (const App *app)
{
  return app->limit > 0 && app->running >= app->limit;
}

static void
update_ring (ElvesAdmission *self, App *app)
{
  gboolean belongs = !g_queue_is_empty (&app->waiting) && !app_is_at_limit (app);
  if (belongs && !app->in_ring)
    g_queue_push_tail_link (&self->turns, &app->turn);
  else if (!belongs && app->in_ring)
    g_queue_unlink (&self->turns, &app->turn);
  app->in_ring = belongs;
}

static void
forget_app_if_unused (ElvesAdmission *self, App *app)
{
  if (app->running == 0 && g_queue_is_empty (&app->waiting))
    g_hash_table_remove (self->apps, app->name);
}

static void
admit_next_of (ElvesAdmission *self, App *app)
{
  ElvesTicket *ticket = g_queue_pop_head_link (&app->waiting)->data;
  ticket->admitted = TRUE;
  self->waiting--;
  self->running++;
  app->running++;
  /* To the end of the ring: the next turn is another app's. */
  g_queue_unlink (&self->turns, &app->turn);
  app->in_ring = FALSE;
  update_ring (self, app);
  ticket->admitted_func (ticket->user_data);
}

static void
admit_who_may (ElvesAdmission *self)
{
  if (self->admitting)
    return;
  self->admitting = TRUE;
  while (self->running < self->max_running && !g_queue_is_empty (&self->turns))
    admit_next_of (self, g_queue_peek_head (&self->turns));
  self->admitting = FALSE;
}

static gboolean
must_wait (const ElvesAdmission *self, App *app)
{
  return self->running >= self->max_running || app_is_at_limit (app) ||
         !g_queue_is_empty (&app->waiting);
}

/**
 * elves_admission_enter:
 * @self: an admission
 * @app: the app that the job is for
 * @app_limit: how many of this app may run at one time; 0: only the host's limit counts
 * @admitted: called once, when the job may run: now, or when others have left
 * @user_data: for @admitted
 *
 * Returns: (nullable): a ticket; end it with elves_ticket_leave(), admitted or not.
 * Errors: %ELVES_ERROR_BUSY when nothing is free and the queue is full; the message names the
 * limit.
 */
ElvesTicket *
elves_admission_enter (ElvesAdmission *self,
                       const char *app,
                       guint app_limit,
                       ElvesAdmittedFunc admitted,
                       gpointer user_data,
                       GError **error)
{
  App *entry = find_or_add_app (self, app, app_limit);
  if (must_wait (self, entry) && self->waiting >= self->max_waiting)
    {
      forget_app_if_unused (self, entry);
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_BUSY,
                   "%u jobs run and %u wait (worker.maxRunning, worker.maxWaiting)", self->running,
                   self->waiting);
      return NULL;
    }

  ElvesTicket *ticket = g_new0 (ElvesTicket, 1);
  ticket->admission = self;
  ticket->app = entry;
  ticket->admitted_func = admitted;
  ticket->user_data = user_data;
  ticket->link.data = ticket;
  g_queue_push_tail_link (&entry->waiting, &ticket->link);
  self->waiting++;
  update_ring (self, entry);
  admit_who_may (self);
  return ticket;
}

/**
 * elves_ticket_leave:
 * @self: (nullable): a ticket, admitted or still waiting
 *
 * Frees the ticket, and admits whoever may run in its place.
 */
void
elves_ticket_leave (ElvesTicket *self)
{
  if (self == NULL)
    return;
  ElvesAdmission *admission = self->admission;
  App *app = self->app;
  if (self->admitted)
    {
      admission->running--;
      app->running--;
    }
  else
    {
      g_queue_unlink (&app->waiting, &self->link);
      admission->waiting--;
    }
  g_free (self);
  update_ring (admission, app);
  forget_app_if_unused (admission, app);
  admit_who_may (admission);
}

/**
 * elves_ticket_is_admitted:
 * @self: a ticket
 *
 * Returns: whether it may run
 */
gboolean
elves_ticket_is_admitted (const ElvesTicket *self)
{
  return self->admitted;
}

/**
 * elves_admission_running:
 * @self: an admission
 *
 * Returns: how many are admitted and have not left
 */
guint
elves_admission_running (const ElvesAdmission *self)
{
  return self->running;
}

/**
 * elves_admission_waiting:
 * @self: an admission
 *
 * Returns: how many wait
 */
guint
elves_admission_waiting (const ElvesAdmission *self)
{
  return self->waiting;
}
