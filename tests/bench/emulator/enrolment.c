/* Nodes are made a thousand to a request: one each would take seconds, and say nothing about what
 * is measured. */
#include "tests/bench/emulator/enrolment.h"

#include "common/error.h"
#include "common/names.h"
#include "tests/bench/emulator/roster.h"

#include <string.h>
#include <zookeeper/zookeeper.h>

enum
{
  BATCH = 1000,
  SESSION_MS = 30000,
  CONNECT_S = 20
};

struct Enrolment
{
  char *hosts, *parent, *features;
  CrowdOptions options;
  zhandle_t *handle;
  GMutex lock;
  GCond changed;
  gboolean connected;
  guint unread;
};

static void
on_session (zhandle_t *handle, int type, int state, const char *path, void *context)
{
  Enrolment *self = context;
  g_mutex_lock (&self->lock);
  self->connected = state == ZOO_CONNECTED_STATE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gboolean
fail (GError **error, const char *step, int rc)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "ZooKeeper: %s: %s", step, zerror (rc));
  return FALSE;
}

static gboolean
connect_session (Enrolment *self, GError **error)
{
  gint64 until_us = g_get_monotonic_time () + CONNECT_S * G_USEC_PER_SEC;
  zoo_set_debug_level (ZOO_LOG_LEVEL_ERROR);
  self->connected = FALSE;
  self->handle = zookeeper_init (self->hosts, on_session, SESSION_MS, NULL, self, 0);
  g_mutex_lock (&self->lock);
  while (!self->connected)
    if (!g_cond_wait_until (&self->changed, &self->lock, until_us))
      break;
  gboolean connected = self->connected;
  g_mutex_unlock (&self->lock);
  return connected || fail (error, "connecting", ZOPERATIONTIMEOUT);
}

static gboolean
create_parents (Enrolment *self, GError **error)
{
  for (char *slash = strchr (self->parent + 1, '/');; slash = strchr (slash + 1, '/'))
    {
      g_autofree char *path = slash != NULL
                                  ? g_strndup (self->parent, (gsize) (slash - self->parent))
                                  : g_strdup (self->parent);
      int rc =
          zoo_create (self->handle, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
      if (rc != ZOK && rc != ZNODEEXISTS)
        return fail (error, path, rc);
      if (slash == NULL)
        return TRUE;
    }
}

static char *
content_of (Enrolment *self, const char *address)
{
  return g_strdup_printf (
      "{\"ip\":\"%s\",\"port\":%u,\"asset\":\"%s\",\"version\":\"0.1.0\",\"type\":\"elves-c\","
      "\"apps\":{\"hello-python\":\"1.0\",\"hello-shell\":\"1.0\"},"
      "\"started\":\"2026-01-01T00:00:00Z\",\"features\":[%s]}",
      address, self->options.port, address, self->features);
}

static gboolean
create_batch (Enrolment *self, guint first, guint count, GError **error)
{
  g_autofree zoo_op_t *ops = g_new0 (zoo_op_t, count);
  g_autofree zoo_op_result_t *results = g_new0 (zoo_op_result_t, count);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < count; i++)
    {
      g_autofree char *address = roster_address (first + i);
      char *path = g_strdup_printf ("%s/%s", self->parent, address);
      char *content = content_of (self, address);
      g_ptr_array_add (texts, path);
      g_ptr_array_add (texts, content);
      zoo_create_op_init (&ops[i], path, content, (int) strlen (content), &ZOO_OPEN_ACL_UNSAFE,
                          ZOO_EPHEMERAL, NULL, 0);
    }
  int rc = zoo_multi (self->handle, (int) count, ops, results);
  return rc == ZOK || fail (error, "registering agents", rc);
}

static gboolean
enrol (Enrolment *self, GError **error)
{
  const CrowdOptions *options = &self->options;
  if (!connect_session (self, error) || !create_parents (self, error))
    return FALSE;
  for (guint done = 0; done < options->count; done += BATCH)
    if (!create_batch (self, options->first + done, MIN (BATCH, options->count - done), error))
      return FALSE;
  return TRUE;
}

Enrolment *
enrolment_new (const char *hosts,
               const char *root,
               const char *features,
               const CrowdOptions *options,
               GError **error)
{
  Enrolment *self = g_new0 (Enrolment, 1);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->hosts = g_strdup (hosts);
  self->parent = g_strdup_printf ("%s/%s", root, ELVES_ZNODE_AGENTS);
  self->features = g_strdup (features);
  self->options = *options;
  if (enrol (self, error))
    return self;
  enrolment_free (self);
  return NULL;
}

void
enrolment_free (Enrolment *self)
{
  if (self->handle != NULL)
    zookeeper_close (self->handle);
  g_free (self->hosts);
  g_free (self->parent);
  g_free (self->features);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

gboolean
enrolment_renew (Enrolment *self, GError **error)
{
  zookeeper_close (g_steal_pointer (&self->handle));
  return enrol (self, error);
}

static void
on_read (int rc, const char *value, int length, const struct Stat *stat, const void *data)
{
  Enrolment *self = (Enrolment *) data;
  g_mutex_lock (&self->lock);
  if (--self->unread == 0)
    g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
on_fired (zhandle_t *handle, int type, int state, const char *path, void *context)
{
}

static void
await_reads (Enrolment *self)
{
  g_mutex_lock (&self->lock);
  while (self->unread > 0)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

double
enrolment_read (Enrolment *self)
{
  struct String_vector names = { 0 };
  gint64 begin_us = g_get_monotonic_time ();
  if (zoo_get_children (self->handle, self->parent, 0, &names) != ZOK || names.count == 0)
    return -1;
  self->unread = (guint) names.count;
  for (int i = 0; i < names.count; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s", self->parent, names.data[i]);
      if (zoo_awget (self->handle, path, on_fired, NULL, on_read, self) != ZOK)
        on_read (ZSYSTEMERROR, NULL, 0, NULL, self);
    }
  await_reads (self);
  deallocate_String_vector (&names);
  return (double) (g_get_monotonic_time () - begin_us) / G_USEC_PER_SEC;
}
