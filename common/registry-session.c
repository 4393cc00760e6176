/* The registry itself: one ZooKeeper session after the other, and who is told about it.
 *
 * Promises: never blocks the loop but in _free(); a ZooKeeper that is dead, or cannot be resolved,
 * at the start is tried again for ever; a lost connection changes nothing; an expired session is
 * replaced after a short, jittered wait (all clients of a restarted ensemble expire together), and
 * then every announcement and every table starts over. Failed requests are repeated when the
 * connection is back, or after a back-off when it never went.
 *
 * It does not know what the nodes mean, and does not authenticate. */

#include "common/registry-private.h"

#include "common/backoff.h"
#include "common/error.h"

#include <string.h>

/* Earlier sessions that are remembered: the nodes of older ones ended long ago. */
#define OLD_SESSIONS_MAX 16

struct ElvesRegistry
{
  char *hosts;
  char *root;
  guint session_timeout_ms, retry_first_ms, retry_cap_ms;
  ElvesRegistryCallbacks callbacks;
  gpointer user_data;

  ElvesRegistryMailbox *mailbox;
  ElvesRegistrySession *session; /* NULL while waiting to open one */
  gboolean connected;
  gint64 session_id; /* 0 until the first connection */
  GArray *old_ids;   /* of gint64, the youngest last */

  GSource *open_source;
  guint open_attempt;
  GSource *retry_source;
  guint retry_attempt;

  GPtrArray *announcements;
  GPtrArray *tables;
  GHashTable *records; /* full path -> record that is not written yet */
};

static void on_event (const ElvesRegistryEvent *event, gpointer user_data);

/* What the parts ask */

ElvesRegistrySession *
elves_registry_get_session (ElvesRegistry *self)
{
  return self->session;
}

gboolean
elves_registry_is_connected (ElvesRegistry *self)
{
  /* The connection may be there before zookeeper_init() has returned the handle. */
  return self->connected && self->session && self->session->handle;
}

gint64
elves_registry_session_id (ElvesRegistry *self)
{
  return self->session_id;
}

gboolean
elves_registry_was_session (ElvesRegistry *self, gint64 id)
{
  for (guint i = 0; i < self->old_ids->len; i++)
    if (g_array_index (self->old_ids, gint64, i) == id)
      return TRUE;
  return FALSE;
}

/* Whether @full_path is already one of our announcements in this session. */
gboolean
elves_registry_stands (ElvesRegistry *self, const char *full_path)
{
  for (guint i = 0; i < self->announcements->len; i++)
    if (elves_announcement_stands (self->announcements->pdata[i], full_path))
      return TRUE;
  return FALSE;
}

char *
elves_registry_full_path (ElvesRegistry *self, const char *path)
{
  return g_strconcat (self->root, "/", path, NULL);
}

static void
advance_all (ElvesRegistry *self)
{
  GHashTableIter iter;
  gpointer record;
  if (!elves_registry_is_connected (self))
    return;
  for (guint i = 0; i < self->announcements->len; i++)
    elves_announcement_advance (self->announcements->pdata[i]);
  for (guint i = 0; i < self->tables->len; i++)
    elves_registry_table_advance (self->tables->pdata[i]);
  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &record))
    elves_registry_record_advance (record);
}

/* Timers */

static GSource *
add_timer (guint *attempt, ElvesRegistry *self, GSourceFunc func)
{
  guint delay_ms = elves_backoff_delay_ms ((*attempt)++, self->retry_first_ms, self->retry_cap_ms,
                                           g_random_double ());
  GSource *source = g_timeout_source_new (delay_ms);
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
clear_timer (GSource **source)
{
  if (*source)
    {
      g_source_destroy (*source);
      g_source_unref (*source);
    }
  *source = NULL;
}

static gboolean
on_retry_due (gpointer user_data)
{
  ElvesRegistry *self = user_data;
  clear_timer (&self->retry_source);
  advance_all (self);
  return G_SOURCE_REMOVE;
}

void
elves_registry_retry_later (ElvesRegistry *self, const char *path, int rc)
{
  /* Without a connection, its return is what starts the request again. */
  if (!self->connected || self->retry_source)
    return;
  if (rc != ZCONNECTIONLOSS)
    g_info ("registry: request failed, trying again path=%s error=\"%s\"", path, zerror (rc));
  self->retry_source = add_timer (&self->retry_attempt, self, on_retry_due);
}

/* Session */

static void
report_state (ElvesRegistry *self, const char *detail)
{
  if (self->callbacks.state)
    self->callbacks.state (self, self->connected, detail, self->user_data);
}

static gboolean
on_open_due (gpointer user_data)
{
  ElvesRegistry *self = user_data;
  clear_timer (&self->open_source);
  self->session =
      elves_registry_session_open (self->mailbox, self->hosts, (int) self->session_timeout_ms);
  return G_SOURCE_REMOVE;
}

/* The session, or the attempt to have one, is over: the next one is opened after a back-off. */
static void
replace_session (ElvesRegistry *self)
{
  elves_registry_session_abandon (g_steal_pointer (&self->session));
  clear_timer (&self->retry_source);
  self->open_source = add_timer (&self->open_attempt, self, on_open_due);
}

static void
handle_opened (ElvesRegistry *self, const ElvesRegistryEvent *event)
{
  if (event->handle)
    {
      self->session->handle = g_steal_pointer (&((ElvesRegistryEvent *) event)->handle);
      advance_all (self);
      return;
    }
  g_autofree char *detail =
      g_strdup_printf ("Cannot use '%s': %s", self->hosts, g_strerror (event->error_number));
  replace_session (self);
  report_state (self, detail);
}

static void
remember_old_session (ElvesRegistry *self)
{
  if (self->session_id == 0)
    return;
  if (self->old_ids->len == OLD_SESSIONS_MAX)
    g_array_remove_index (self->old_ids, 0);
  g_array_append_val (self->old_ids, self->session_id);
  self->session_id = 0;
}

static void
start_over (ElvesRegistry *self)
{
  for (guint i = 0; i < self->announcements->len; i++)
    elves_announcement_session_began (self->announcements->pdata[i]);
  for (guint i = 0; i < self->tables->len; i++)
    elves_registry_table_session_began (self->tables->pdata[i]);
}

static void
handle_connected (ElvesRegistry *self, gint64 client_id)
{
  gboolean began = client_id != self->session_id;
  self->connected = TRUE;
  self->open_attempt = self->retry_attempt = 0;
  if (began)
    {
      remember_old_session (self);
      self->session_id = client_id;
      start_over (self);
    }
  g_autofree char *detail = g_strdup_printf ("connected, %s session 0x%" G_GINT64_MODIFIER "x",
                                             began ? "new" : "same", (guint64) client_id);
  report_state (self, detail);
  advance_all (self);
}

static void
handle_state (ElvesRegistry *self, const ElvesRegistryEvent *event)
{
  if (event->state == ZOO_CONNECTED_STATE)
    {
      handle_connected (self, event->client_id);
      return;
    }
  gboolean expired =
      event->state == ZOO_EXPIRED_SESSION_STATE || event->state == ZOO_AUTH_FAILED_STATE;
  gboolean told = !self->connected && !expired;
  self->connected = FALSE;
  if (expired)
    {
      remember_old_session (self);
      replace_session (self);
    }
  if (!told)
    report_state (self, expired ? "session expired" : "connection lost");
}

static void
handle_reply (const ElvesRegistryEvent *event)
{
  ElvesRegistryReply reply = { .rc = event->rc,
                               .data = event->data,
                               .path = event->path,
                               .names = event->names,
                               .owner = event->ephemeral_owner,
                               .change = event->change,
                               .target = event->target };
  event->func (event->owner, &reply);
}

static void
handle_watch (ElvesRegistry *self, const ElvesRegistryEvent *event)
{
  for (guint i = 0; i < self->announcements->len; i++)
    elves_announcement_watch_fired (self->announcements->pdata[i], event->path);
  for (guint i = 0; i < self->tables->len; i++)
    elves_registry_table_watch_fired (self->tables->pdata[i], event->path);
}

static void
on_event (const ElvesRegistryEvent *event, gpointer user_data)
{
  ElvesRegistry *self = user_data;
  /* Whoever asked waits for the reply, even when it is only "closing" of an old session. */
  if (event->kind == ELVES_REGISTRY_EVENT_REPLY)
    handle_reply (event);
  else if (event->session != self->session)
    return; /* of a handle that was given up */
  else if (event->kind == ELVES_REGISTRY_EVENT_OPENED)
    handle_opened (self, event);
  else if (event->kind == ELVES_REGISTRY_EVENT_STATE)
    handle_state (self, event);
  else
    handle_watch (self, event);
}

/* Public */

static gboolean
check_settings (const ElvesRegistrySettings *settings, GError **error)
{
  const char *root = settings->root ? settings->root : "";
  if (!settings->hosts || !*settings->hosts)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "No ZooKeeper host is given");
  else if (root[0] != '/' || root[1] == '\0' || g_str_has_suffix (root, "/"))
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                 "ZooKeeper root '%s' is not an absolute path of at least one name", root);
  else
    return TRUE;
  return FALSE;
}

/* The C client wants a port with each host. An IPv6 address with a port is "[...]:port". */
static char *
add_default_ports (const char *hosts)
{
  g_auto (GStrv) list = g_strsplit (hosts, ",", -1);
  for (guint i = 0; list[i]; i++)
    {
      char *host = g_strstrip (list[i]);
      const char *after = strrchr (host, ']');
      gboolean has_port = strchr (after ? after : host, ':') != NULL;
      char *full = has_port ? g_strdup (host) : g_strconcat (host, ":2181", NULL);
      g_free (list[i]);
      list[i] = full;
    }
  return g_strjoinv (",", list);
}

/**
 * elves_registry_new:
 * @settings: copied
 * @callbacks: (nullable): copied
 *
 * Begins to connect and returns at once; @callbacks' state tells what becomes of it. Everything
 * comes on the main context that is thread-default now.
 *
 * Returns: (transfer full): the registry, or %NULL.
 * Errors: %ELVES_ERROR_CONFIG when @settings cannot be right.
 */
ElvesRegistry *
elves_registry_new (const ElvesRegistrySettings *settings,
                    const ElvesRegistryCallbacks *callbacks,
                    gpointer user_data,
                    GError **error)
{
  if (!check_settings (settings, error))
    return NULL;
  ElvesRegistry *self = g_new0 (ElvesRegistry, 1);
  self->hosts = add_default_ports (settings->hosts);
  self->root = g_strdup (settings->root);
  self->session_timeout_ms = settings->session_timeout_ms;
  self->retry_first_ms = settings->retry_first_ms;
  self->retry_cap_ms = settings->retry_cap_ms;
  if (callbacks)
    self->callbacks = *callbacks;
  self->user_data = user_data;
  self->old_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->announcements = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_announcement_free);
  self->tables = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_registry_table_free);
  self->records = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                         (GDestroyNotify) elves_registry_record_free);
  self->mailbox = elves_registry_mailbox_new (on_event, self);
  self->session =
      elves_registry_session_open (self->mailbox, self->hosts, (int) self->session_timeout_ms);
  return self;
}

/**
 * elves_registry_free:
 * @self: (nullable)
 *
 * Ends the session, so that the ephemeral nodes go at once, and frees every announcement and
 * table. No callback comes any more. May block up to 4 s while ZooKeeper does not answer. Not from
 * within one of the callbacks.
 */
void
elves_registry_free (ElvesRegistry *self)
{
  if (!self)
    return;
  clear_timer (&self->open_source);
  clear_timer (&self->retry_source);
  elves_registry_mailbox_close (self->mailbox);
  if (self->session)
    elves_registry_session_close (self->session);
  g_ptr_array_unref (self->announcements);
  g_ptr_array_unref (self->tables);
  g_hash_table_unref (self->records);
  elves_registry_mailbox_unref (self->mailbox);
  g_array_unref (self->old_ids);
  g_free (self->hosts);
  g_free (self->root);
  g_free (self);
}

void
elves_registry_add_announcement (ElvesRegistry *self, ElvesAnnouncement *announcement)
{
  g_ptr_array_add (self->announcements, announcement);
}

void
elves_registry_add_table (ElvesRegistry *self, ElvesRegistryTable *table)
{
  g_ptr_array_add (self->tables, table);
}

ElvesRegistryRecord *
elves_registry_find_record (ElvesRegistry *self, const char *full_path)
{
  return g_hash_table_lookup (self->records, full_path);
}

/* @full_path: the record's own. */
void
elves_registry_add_record (ElvesRegistry *self, const char *full_path, ElvesRegistryRecord *record)
{
  g_hash_table_insert (self->records, (gpointer) full_path, record);
}

void
elves_registry_drop_record (ElvesRegistry *self, const char *full_path)
{
  g_hash_table_remove (self->records, full_path);
}
