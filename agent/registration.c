/* The ephemeral node agent/<ip>: where this agent listens, and which apps it has.
 *
 * The registry keeps the node; here is what it says. The apps folder is looked at every few
 * seconds: that costs a directory listing, and unlike notices of changes it also sees an edited
 * VERSION file. Where there are thousands of apps it is done more rarely, so that it never takes
 * more than a hundredth of the time. ZooKeeper takes no node over 1 MiB: what does not fit is left
 * out, and the log says so.
 */
#include "agent/registration.h"

#include "common/json-writer.h"
#include "common/labels.h"
#include "common/names.h"

#define RESCAN_MS 5000
#define MAX_SCAN_SHARE 100 /* of the time between two scans, one takes at most this part */
#define MAX_APPS_BYTES (768 * 1024)

struct ElvesRegistration
{
  const ElvesAgentConfig *config;
  const ElvesApps *apps;
  guint16 port;
  char *started;
  char *labels;    /* common/labels.h */
  GBytes *content; /* as last announced */
  ElvesAnnouncement *announcement;
  GSource *rescan;
  guint n_left_out; /* apps that did not fit, as last said */
};

static void
note_left_out (ElvesRegistration *self, guint n_left_out)
{
  if (n_left_out > 0 && self->n_left_out == 0)
    g_warning ("there are too many apps to register all of them left-out=%u", n_left_out);
  self->n_left_out = n_left_out;
}

static void
add_apps (ElvesRegistration *self, GString *out)
{
  g_autoptr (GPtrArray) list = elves_apps_list (self->apps);
  guint n = 0;
  elves_json_open (out, "apps");
  for (; n < list->len && out->len < MAX_APPS_BYTES; n++)
    {
      const ElvesAppInfo *info = list->pdata[n];
      elves_json_add_text (out, info->name, info->version);
    }
  elves_json_close (out);
  note_left_out (self, list->len - n);
}

static void
add_features (ElvesRegistration *self, GString *out)
{
  elves_json_open_array (out, "features");
  if (self->config->journal_enabled)
    elves_json_add_text (out, NULL, "journal");
  elves_json_add_text (out, NULL, ELVES_FEATURE_LISTS);
  elves_json_add_text (out, NULL, ELVES_FEATURE_CANCEL);
  elves_json_add_text (out, NULL, ELVES_FEATURE_OUTPUT);
  elves_json_close_array (out);
}

static GBytes *
build_content (ElvesRegistration *self)
{
  const ElvesAgentConfig *config = self->config;
  GString *out = g_string_new (NULL);
  elves_json_open (out, NULL);
  elves_json_add_text (out, "ip", config->ip);
  elves_json_add_number (out, "port", self->port);
  elves_json_add_text (out, "asset", config->asset[0] != '\0' ? config->asset : config->ip);
  elves_json_add_text (out, "version", ELVES_VERSION);
  elves_json_add_text (out, "type", ELVES_AGENT_TYPE);
  add_apps (self, out);
  elves_labels_write (out, "labels", self->labels);
  elves_json_add_text (out, "started", self->started);
  add_features (self, out);
  elves_json_close (out);
  return g_string_free_to_bytes (out);
}

static gboolean on_rescan (gpointer user_data);

static void
schedule_rescan (ElvesRegistration *self, gint64 scan_us)
{
  guint after_ms = MAX (RESCAN_MS, MIN (scan_us / 1000 * MAX_SCAN_SHARE, G_MAXINT));
  self->rescan = g_timeout_source_new (after_ms);
  g_source_set_callback (self->rescan, on_rescan, self, NULL);
  g_source_attach (self->rescan, g_main_context_get_thread_default ());
}

static gboolean
on_rescan (gpointer user_data)
{
  ElvesRegistration *self = user_data;
  gint64 begun_us = g_get_monotonic_time ();
  g_autoptr (GBytes) content = build_content (self);
  g_clear_pointer (&self->rescan, g_source_unref);
  schedule_rescan (self, g_get_monotonic_time () - begun_us);
  if (!g_bytes_equal (content, self->content))
    {
      g_info ("the apps have changed: registering them again");
      elves_announcement_update (self->announcement, content);
      g_bytes_unref (self->content);
      self->content = g_steal_pointer (&content);
    }
  return G_SOURCE_REMOVE;
}

static void
on_announced (ElvesRegistry *registry, const char *full_path, gpointer user_data)
{
  g_message ("registered node=%s", full_path);
}

/**
 * elves_registration_new:
 * @registry: where to register
 * @config: the agent's configuration
 * @apps: what to say is installed
 * @port: where the agent listens
 *
 * Returns: (transfer full): the registration; free it before @registry, which takes the node away
 */
ElvesRegistration *
elves_registration_new (ElvesRegistry *registry,
                        const ElvesAgentConfig *config,
                        const ElvesApps *apps,
                        guint16 port)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  ElvesRegistration *self = g_new0 (ElvesRegistration, 1);
  self->config = config;
  self->apps = apps;
  self->port = port;
  self->labels = elves_labels_parse (config->labels, NULL); /* checked */
  self->started = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  gint64 begun_us = g_get_monotonic_time ();
  self->content = build_content (self);
  schedule_rescan (self, g_get_monotonic_time () - begun_us);

  g_autofree char *path = g_strconcat (ELVES_ZNODE_AGENTS "/", config->ip, NULL);
  self->announcement =
      elves_registry_announce (registry, path, FALSE, self->content, on_announced, self);
  return self;
}

/**
 * elves_registration_free:
 * @self: (nullable): a registration
 */
void
elves_registration_free (ElvesRegistration *self)
{
  if (self == NULL)
    return;
  g_source_destroy (self->rescan);
  g_source_unref (self->rescan);
  g_bytes_unref (self->content);
  g_free (self->started);
  g_free (self->labels);
  g_free (self);
}
