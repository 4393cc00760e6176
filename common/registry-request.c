/* The border between ZooKeeper's threads and the main loop.
 *
 * The C client calls back on a thread of its own. Here a callback copies what it was given into one
 * event and puts it in the mailbox, nothing else; the first event of a batch wakes the main loop,
 * which takes them all. Requests go the other way: they only ever use the zoo_a*() functions, which
 * queue and return.
 *
 * zookeeper_init() resolves names and zookeeper_close() joins threads: both may block, so handles
 * are opened, and closed while the registry goes on, on a short-lived thread. Only
 * elves_registry_free() closes in place: the caller wants the ephemeral nodes gone.
 *
 * Memory: the C client (3.8) forgets requests that are unanswered when their handle is closed, now
 * and then, and leaks its own part of them. So closing waits for the answers first, a short while,
 * and then frees what is left. The number of events is bounded by that of requests and watches,
 * hence of nodes that are watched. */

#include "common/registry-private.h"

#include <errno.h>
#include <string.h>

/* How long closing waits for answers. They are there at once, unless the server hangs. */
#define ANSWERS_WAIT_US (500 * 1000)

struct ElvesRegistryMailbox
{
  GMutex lock;
  GCond answered; /* a session has no unanswered request any more */
  GQueue events;  /* of ElvesRegistryEvent */
  gboolean closed;
  GSource *source;
  ElvesRegistryEventFunc func;
  gpointer user_data;
};

static void session_unref (ElvesRegistrySession *self);

static void
event_free (ElvesRegistryEvent *event)
{
  if (event->handle)
    zookeeper_close (event->handle);
  g_free (event->path);
  g_free (event->target);
  g_strfreev (event->names);
  if (event->data)
    g_bytes_unref (event->data);
  session_unref (event->session);
  g_free (event);
}

/* Mailbox */

static GQueue
mailbox_take_all (ElvesRegistryMailbox *self, gboolean close)
{
  g_mutex_lock (&self->lock);
  GQueue events = self->events;
  g_queue_init (&self->events);
  self->closed = self->closed || close;
  g_mutex_unlock (&self->lock);
  return events;
}

static gboolean
on_mailbox_ready (gpointer user_data)
{
  ElvesRegistryMailbox *self = g_atomic_rc_box_acquire (user_data);
  g_source_set_ready_time (self->source, -1);
  GQueue events = mailbox_take_all (self, FALSE);
  ElvesRegistryEvent *event;
  while ((event = g_queue_pop_head (&events)))
    {
      self->func (event, self->user_data);
      event_free (event);
    }
  elves_registry_mailbox_unref (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_mailbox (GSource *source G_GNUC_UNUSED, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

ElvesRegistryMailbox *
elves_registry_mailbox_new (ElvesRegistryEventFunc func, gpointer user_data)
{
  static GSourceFuncs source_funcs = { .dispatch = dispatch_mailbox };
  ElvesRegistryMailbox *self = g_atomic_rc_box_new0 (ElvesRegistryMailbox);
  g_mutex_init (&self->lock);
  g_cond_init (&self->answered);
  g_queue_init (&self->events);
  self->func = func;
  self->user_data = user_data;
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "elves-registry");
  g_source_set_callback (self->source, on_mailbox_ready, self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

/* From now on events are freed where they are posted; @func is not called again. */
void
elves_registry_mailbox_close (ElvesRegistryMailbox *self)
{
  g_source_destroy (self->source);
  GQueue events = mailbox_take_all (self, TRUE);
  g_queue_clear_full (&events, (GDestroyNotify) event_free);
}

static void
mailbox_clear (gpointer data)
{
  ElvesRegistryMailbox *self = data;
  g_assert (g_queue_is_empty (&self->events));
  g_source_unref (self->source);
  g_cond_clear (&self->answered);
  g_mutex_clear (&self->lock);
}

void
elves_registry_mailbox_unref (ElvesRegistryMailbox *self)
{
  g_atomic_rc_box_release_full (self, mailbox_clear);
}

/* Any thread. Takes @event. */
static void
mailbox_post (ElvesRegistryMailbox *self, ElvesRegistryEvent *event)
{
  g_mutex_lock (&self->lock);
  gboolean closed = self->closed;
  gboolean first = g_queue_is_empty (&self->events);
  if (!closed)
    {
      g_queue_push_tail (&self->events, event);
      if (first)
        g_source_set_ready_time (self->source, 0);
    }
  g_mutex_unlock (&self->lock);
  if (closed)
    event_free (event);
}

/* Session */

static void
session_clear (gpointer data)
{
  ElvesRegistrySession *self = data;
  elves_registry_mailbox_unref (self->mailbox);
  g_hash_table_unref (self->requests);
  g_free (self->hosts);
}

static void
session_unref (ElvesRegistrySession *self)
{
  g_atomic_rc_box_release_full (self, session_clear);
}

static ElvesRegistryEvent *
event_new (ElvesRegistryEventKind kind, ElvesRegistrySession *session)
{
  ElvesRegistryEvent *event = g_new0 (ElvesRegistryEvent, 1);
  event->kind = kind;
  event->session = g_atomic_rc_box_acquire (session);
  return event;
}

/* ZooKeeper's thread. The default watcher of the handle: session events come here only, while a
   watcher of a node gets each of them as well, once for each node that it watches. */
static void
on_session_changed (zhandle_t *handle,
                    int type,
                    int state,
                    const char *path G_GNUC_UNUSED,
                    void *context)
{
  if (type != ZOO_SESSION_EVENT)
    return;
  ElvesRegistrySession *self = context;
  ElvesRegistryEvent *event = event_new (ELVES_REGISTRY_EVENT_STATE, self);
  event->state = state;
  event->client_id = zoo_client_id (handle)->client_id;
  mailbox_post (self->mailbox, event);
}

/* ZooKeeper's thread. */
static void
on_watch_fired (zhandle_t *handle G_GNUC_UNUSED,
                int type,
                int state G_GNUC_UNUSED,
                const char *path,
                void *context)
{
  if (type == ZOO_SESSION_EVENT)
    return;
  ElvesRegistrySession *self = context;
  ElvesRegistryEvent *event = event_new (ELVES_REGISTRY_EVENT_WATCH, self);
  event->watch_type = type;
  event->path = g_strdup (path);
  mailbox_post (self->mailbox, event);
}

/* Any thread. */
static void
on_client_logged (const char *message)
{
  g_debug ("zookeeper: %s", message);
}

static gpointer
open_handle (gpointer data)
{
  ElvesRegistrySession *self = data;
  ElvesRegistryEvent *event = event_new (ELVES_REGISTRY_EVENT_OPENED, self);
  event->handle = zookeeper_init2 (self->hosts, on_session_changed, self->timeout_ms, NULL, self,
                                   ZOO_NO_LOG_CLIENTENV, on_client_logged);
  event->error_number = event->handle ? 0 : errno;
  mailbox_post (self->mailbox, event);
  session_unref (self);
  return NULL;
}

/* Never blocks: the outcome is the event OPENED. */
ElvesRegistrySession *
elves_registry_session_open (ElvesRegistryMailbox *mailbox, const char *hosts, int timeout_ms)
{
  zoo_set_debug_level (ZOO_LOG_LEVEL_WARN);
  ElvesRegistrySession *self = g_atomic_rc_box_new0 (ElvesRegistrySession);
  self->mailbox = g_atomic_rc_box_acquire (mailbox);
  self->requests = g_hash_table_new (NULL, NULL);
  self->hosts = g_strdup (hosts);
  self->timeout_ms = timeout_ms;
  g_thread_unref (g_thread_new ("zk-open", open_handle, g_atomic_rc_box_acquire (self)));
  return self;
}

static gpointer
close_handle (gpointer data)
{
  elves_registry_session_close (data);
  return NULL;
}

/* Closes on another thread: for a handle whose session is over. Takes @self. */
void
elves_registry_session_abandon (ElvesRegistrySession *self)
{
  g_thread_unref (g_thread_new ("zk-close", close_handle, self));
}

static void
wait_for_answers (ElvesRegistrySession *self)
{
  ElvesRegistryMailbox *mailbox = self->mailbox;
  gint64 deadline_us = g_get_monotonic_time () + ANSWERS_WAIT_US;
  g_mutex_lock (&mailbox->lock);
  while (g_hash_table_size (self->requests) > 0 &&
         g_cond_wait_until (&mailbox->answered, &mailbox->lock, deadline_us))
    ;
  g_mutex_unlock (&mailbox->lock);
}

/* The handle is closed: nobody else knows them. */
static void
free_unanswered (ElvesRegistrySession *self)
{
  GHashTableIter iter;
  gpointer event;
  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, &event, NULL))
    {
      g_hash_table_iter_remove (&iter);
      event_free (event);
    }
}

/* Blocks until the server has ended the session, 4 s at most. Takes @self. */
void
elves_registry_session_close (ElvesRegistrySession *self)
{
  if (self->handle)
    {
      wait_for_answers (self);
      zookeeper_close (self->handle);
      free_unanswered (self);
    }
  self->handle = NULL;
  session_unref (self);
}

/* Requests: the event that will carry the reply is made first and is the data of the request. */

static void
post_reply (int rc, const void *data)
{
  ElvesRegistryEvent *event = (ElvesRegistryEvent *) data;
  ElvesRegistrySession *session = event->session;
  ElvesRegistryMailbox *mailbox = session->mailbox;
  g_mutex_lock (&mailbox->lock);
  g_hash_table_remove (session->requests, event);
  if (g_hash_table_size (session->requests) == 0)
    g_cond_signal (&mailbox->answered);
  g_mutex_unlock (&mailbox->lock);
  event->rc = rc;
  mailbox_post (mailbox, event);
}

static void
on_string_reply (int rc, const char *value, const void *data)
{
  ((ElvesRegistryEvent *) data)->path = g_strdup (rc == ZOK ? value : NULL);
  post_reply (rc, data);
}

static void
on_stat_reply (int rc, const struct Stat *stat, const void *data)
{
  if (rc == ZOK && stat)
    {
      ((ElvesRegistryEvent *) data)->ephemeral_owner = stat->ephemeralOwner;
      ((ElvesRegistryEvent *) data)->change = stat->mzxid;
    }
  post_reply (rc, data);
}

static void
on_data_reply (int rc, const char *value, int length, const struct Stat *stat, const void *data)
{
  /* Length -1: a node without data. */
  if (rc == ZOK)
    ((ElvesRegistryEvent *) data)->data = g_bytes_new (value, length > 0 ? (gsize) length : 0);
  on_stat_reply (rc, stat, data);
}

static void
on_strings_reply (int rc, const struct String_vector *strings, const void *data)
{
  int count = rc == ZOK && strings ? strings->count : 0;
  char **names = g_new0 (char *, count + 1);
  for (int i = 0; i < count; i++)
    names[i] = g_strdup (strings->data[i]);
  ((ElvesRegistryEvent *) data)->names = names;
  post_reply (rc, data);
}

static ElvesRegistryEvent *
request_new (ElvesRegistry *registry,
             const char *target,
             ElvesRegistryReplyFunc func,
             gpointer owner)
{
  ElvesRegistryEvent *event =
      event_new (ELVES_REGISTRY_EVENT_REPLY, elves_registry_get_session (registry));
  event->target = g_strdup (target);
  event->func = func;
  event->owner = owner;
  ElvesRegistrySession *session = event->session;
  g_mutex_lock (&session->mailbox->lock);
  g_hash_table_add (session->requests, event);
  g_mutex_unlock (&session->mailbox->lock);
  return event;
}

static void
request_sent (ElvesRegistryEvent *event, int rc)
{
  if (rc != ZOK)
    post_reply (rc, event);
}

static const char *
bytes_value (GBytes *data, int *out_length)
{
  gsize length = 0;
  const char *value = data ? g_bytes_get_data (data, &length) : NULL;
  *out_length = (int) length;
  return value ? value : "";
}

void
elves_registry_request_create (ElvesRegistry *self,
                               const char *path,
                               GBytes *data,
                               int mode,
                               ElvesRegistryReplyFunc func,
                               gpointer owner)
{
  ElvesRegistryEvent *event = request_new (self, path, func, owner);
  int length;
  const char *value = bytes_value (data, &length);
  request_sent (event, zoo_acreate (event->session->handle, path, value, length,
                                    &ZOO_OPEN_ACL_UNSAFE, mode, on_string_reply, event));
}

void
elves_registry_request_set (ElvesRegistry *self,
                            const char *path,
                            GBytes *data,
                            ElvesRegistryReplyFunc func,
                            gpointer owner)
{
  ElvesRegistryEvent *event = request_new (self, path, func, owner);
  int length;
  const char *value = bytes_value (data, &length);
  request_sent (event,
                zoo_aset (event->session->handle, path, value, length, -1, on_stat_reply, event));
}

void
elves_registry_request_delete (ElvesRegistry *self,
                               const char *path,
                               ElvesRegistryReplyFunc func,
                               gpointer owner)
{
  ElvesRegistryEvent *event = request_new (self, path, func, owner);
  request_sent (event, zoo_adelete (event->session->handle, path, -1, post_reply, event));
}

void
elves_registry_request_exists (ElvesRegistry *self,
                               const char *path,
                               ElvesRegistryReplyFunc func,
                               gpointer owner)
{
  ElvesRegistryEvent *event = request_new (self, path, func, owner);
  ElvesRegistrySession *session = event->session;
  request_sent (
      event, zoo_awexists (session->handle, path, on_watch_fired, session, on_stat_reply, event));
}

void
elves_registry_request_get (ElvesRegistry *self,
                            const char *path,
                            ElvesRegistryReplyFunc func,
                            gpointer owner)
{
  ElvesRegistryEvent *event = request_new (self, path, func, owner);
  ElvesRegistrySession *session = event->session;
  request_sent (event,
                zoo_awget (session->handle, path, on_watch_fired, session, on_data_reply, event));
}

void
elves_registry_request_children (ElvesRegistry *self,
                                 const char *path,
                                 ElvesRegistryReplyFunc func,
                                 gpointer owner)
{
  ElvesRegistryEvent *event = request_new (self, path, func, owner);
  ElvesRegistrySession *session = event->session;
  request_sent (event, zoo_awget_children (session->handle, path, on_watch_fired, session,
                                           on_strings_reply, event));
}

static void
on_parent_created (gpointer owner G_GNUC_UNUSED, const ElvesRegistryReply *reply)
{
  if (reply->rc != ZOK && reply->rc != ZNODEEXISTS)
    g_debug ("cannot create %s: %s", reply->target, zerror (reply->rc));
}

void
elves_registry_create_parents (ElvesRegistry *self, const char *path)
{
  for (const char *slash = strchr (path + 1, '/'); slash; slash = strchr (slash + 1, '/'))
    {
      g_autofree char *parent = g_strndup (path, (gsize) (slash - path));
      elves_registry_request_create (self, parent, NULL, ZOO_PERSISTENT, on_parent_created, NULL);
    }
}
