/* Which apps have warm workers, and how many there are in all.
 *
 * An app asks for them in its appcfg.json:
 *
 *   {"Worker": {"Warm": true, "Proxy": "python3|work.py", "Workers": 2, "MaxCalls": 1000}}
 *
 * Proxy says which of its programs stays alive, as a call names it; without it the default one.
 * Calls that name another program get a worker each, as ever. The file is read again when it has
 * changed, which costs each call of any app one stat(). */
#include "agent/warm-private.h"

#include "agent/app-config.h"
#include "agent/file-print.h"
#include "agent/metrics.h"
#include "common/error.h"
#include "common/log.h"

typedef struct
{
  char *path; /* of its appcfg.json */
  ElvesFilePrint print;
  gboolean is_warm;
  char *proxy;
  guint max_workers, max_calls;
  ElvesWarmPool *pool; /* (nullable) */
} App;

struct ElvesWarm
{
  ElvesWarmParts parts;
  GHashTable *apps; /* name -> App: of those that were called */
  guint n_workers;
  gboolean closed;
};

static void
app_free (App *app)
{
  elves_warm_pool_free (app->pool);
  g_free (app->proxy);
  g_free (app->path);
  g_free (app);
}

/* ---- appcfg.json ---------------------------------------------------------------------------- */

/* What the file asks for, and no more than the configuration allows; 0 or less: it does not say. */
static guint
bounded (gint64 asked, guint allowed)
{
  return asked > 0 && (allowed == 0 || asked < allowed) ? MIN (asked, G_MAXUINT) : allowed;
}

static void
take_config (ElvesWarm *self, App *app, const ElvesAppConfig *config)
{
  ElvesJsonValue warm = elves_app_config_get (config, "Warm");
  ElvesJsonValue proxy = elves_app_config_get (config, "Proxy");
  app->is_warm = warm.kind == ELVES_JSON_BOOLEAN && warm.text[0] == 't';
  app->proxy = proxy.kind == ELVES_JSON_STRING ? elves_json_value_to_text (proxy) : g_strdup ("");
  app->max_workers = bounded (elves_app_config_number (config, "Workers"),
                              self->parts.config->warm_max_workers_per_app);
  app->max_calls =
      bounded (elves_app_config_number (config, "MaxCalls"), self->parts.config->warm_max_calls);
}

static void
read_config (ElvesWarm *self, App *app, const char *name)
{
  app->is_warm = FALSE;
  g_clear_pointer (&app->proxy, g_free);
  app->print = elves_file_print_take (app->path);
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesAppConfig) config = elves_file_print_is_there (&app->print)
                                          ? elves_app_config_read (app->path, "Worker", &error)
                                          : NULL;
  if (config != NULL)
    take_config (self, app, config);
  else if (error != NULL && !g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
    {
      g_autofree char *problem = elves_log_field ("error", error->message);
      g_warning ("appcfg.json cannot be understood, so no worker stays alive app=%s %s", name,
                 problem);
    }
  if (app->pool != NULL)
    elves_warm_pool_renew (app->pool);
}

static App *
find_app (ElvesWarm *self, const char *name)
{
  App *app = g_hash_table_lookup (self->apps, name);
  if (app == NULL)
    {
      app = g_new0 (App, 1);
      app->path = elves_apps_path (self->parts.apps, name, ELVES_APP_CONFIG_FILE);
      g_hash_table_insert (self->apps, g_strdup (name), app);
      read_config (self, app, name);
    }
  else if (!elves_file_print_is_still (&app->print, app->path))
    read_config (self, app, name);
  return app;
}

/**
 * elves_warm_find_pool:
 * @self: all pools
 * @instruct: a call of an installed app
 * @entry: the program that it means
 *
 * Returns: (transfer none) (nullable): where it is to be run; %NULL: it gets a worker of its own
 */
ElvesWarmPool *
elves_warm_find_pool (ElvesWarm *self, const ElvesInstruct *instruct, const ElvesAppEntry *entry)
{
  if (!self->parts.config->warm_enabled || self->closed)
    return NULL;
  App *app = find_app (self, instruct->app);
  if (!app->is_warm || !g_str_equal (app->proxy, instruct->proxy))
    return NULL;
  if (app->pool == NULL)
    app->pool = elves_warm_pool_new (self, &self->parts, instruct->app);
  elves_warm_pool_set (app->pool, entry, app->max_workers, app->max_calls);
  return app->pool;
}

/* ---- all workers ---------------------------------------------------------------------------- */

/* Returns: whether there is room for one more; if not, one that has no calls is told to end. */
gboolean
elves_warm_may_start (ElvesWarm *self)
{
  if (self->closed || self->n_workers < self->parts.config->warm_max_workers)
    return !self->closed;
  GHashTableIter iter;
  gpointer app;
  g_hash_table_iter_init (&iter, self->apps);
  while (g_hash_table_iter_next (&iter, NULL, &app))
    if (((App *) app)->pool != NULL && elves_warm_pool_retire_idle (((App *) app)->pool))
      break;
  return FALSE;
}

void
elves_warm_count_worker (ElvesWarm *self, int change)
{
  self->n_workers += change;
  elves_agent_metrics.warm_workers = self->n_workers;
}

/* A worker has ended: there may be room for one of any app. */
void
elves_warm_serve (ElvesWarm *self)
{
  GHashTableIter iter;
  gpointer app;
  g_hash_table_iter_init (&iter, self->apps);
  while (g_hash_table_iter_next (&iter, NULL, &app))
    if (((App *) app)->pool != NULL)
      elves_warm_pool_serve (((App *) app)->pool);
}

/**
 * elves_warm_new:
 * @parts: what it works with; the struct is copied
 *
 * Returns: (transfer full): no worker yet
 */
ElvesWarm *
elves_warm_new (const ElvesWarmParts *parts)
{
  ElvesWarm *self = g_new0 (ElvesWarm, 1);
  self->parts = *parts;
  self->apps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) app_free);
  return self;
}

/**
 * elves_warm_close:
 * @self: all pools
 *
 * From now on every worker ends after its calls.
 */
void
elves_warm_close (ElvesWarm *self)
{
  self->closed = TRUE;
  GHashTableIter iter;
  gpointer app;
  g_hash_table_iter_init (&iter, self->apps);
  while (g_hash_table_iter_next (&iter, NULL, &app))
    if (((App *) app)->pool != NULL)
      elves_warm_pool_renew (((App *) app)->pool);
}

void
elves_warm_free (ElvesWarm *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->apps);
  g_free (self);
}
