/* The table of registered agents: a look-up is a hash look-up, never a round trip.
 *
 * Promises: content that cannot be read leaves the agent out, and the caller is told why; see
 * agent-record.c. */
#include "scheduler/agent-table.h"

#include <string.h>

struct ElvesAgentTable
{
  GHashTable *records; /* ip -> ElvesAgentRecord */
  GPtrArray *sorted;   /* (nullable) of ElvesAgentRecord: all of them, by ip, as of now */
  guint16 default_port;
};

/**
 * elves_agent_table_new:
 * @default_port: for nodes that name no port.
 *
 * Returns: (transfer full): an empty table.
 */
ElvesAgentTable *
elves_agent_table_new (guint16 default_port)
{
  ElvesAgentTable *self = g_new0 (ElvesAgentTable, 1);

  self->records = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                         (GDestroyNotify) elves_agent_record_free);
  self->default_port = default_port;
  return self;
}

/**
 * elves_agent_table_free:
 * @self: (nullable): the table.
 */
void
elves_agent_table_free (ElvesAgentTable *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->sorted, g_ptr_array_unref);
  g_hash_table_unref (self->records);
  g_free (self);
}

/**
 * elves_agent_table_set:
 * @self: the table.
 * @ip: the node's name.
 * @data: its content; JSON, or nothing.
 * @length: of @data, in bytes.
 * @error: why it was left out.
 *
 * Adds an agent, or replaces what is known of it.
 *
 * Returns: FALSE when the content cannot be used; the agent is then not in the table.
 */
gboolean
elves_agent_table_set (ElvesAgentTable *self,
                       const char *ip,
                       const guint8 *data,
                       gsize length,
                       GError **error)
{
  ElvesAgentRecord *record = elves_agent_record_parse (ip, self->default_port, data, length, error);

  if (record == NULL)
    {
      elves_agent_table_remove (self, ip);
      return FALSE;
    }
  g_clear_pointer (&self->sorted, g_ptr_array_unref);
  g_hash_table_replace (self->records, record->ip, record);
  return TRUE;
}

/**
 * elves_agent_table_remove:
 * @self: the table.
 * @ip: the node's name; one that is not there is fine.
 */
void
elves_agent_table_remove (ElvesAgentTable *self, const char *ip)
{
  g_clear_pointer (&self->sorted, g_ptr_array_unref);
  g_hash_table_remove (self->records, ip);
}

/**
 * elves_agent_table_lookup:
 * @self: the table.
 * @ip: as a job names it.
 *
 * Returns: (nullable): what is known of the agent, until the table changes.
 */
const ElvesAgentRecord *
elves_agent_table_lookup (ElvesAgentTable *self, const char *ip)
{
  return g_hash_table_lookup (self->records, ip);
}

/**
 * elves_agent_table_draw:
 * @self: the table.
 * @type: what the agent must have said it is.
 *
 * Returns: (nullable): one of them, each as likely as the others, until the table changes.
 */
const ElvesAgentRecord *
elves_agent_table_draw (ElvesAgentTable *self, const char *type)
{
  const ElvesAgentRecord *drawn = NULL;
  GHashTableIter iter;
  gpointer value;
  gint32 seen = 0;

  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_str_equal (((ElvesAgentRecord *) value)->type, type) &&
        g_random_int_range (0, ++seen) == 0)
      drawn = value;
  return drawn;
}

static int
compare_ips (gconstpointer a, gconstpointer b)
{
  const ElvesAgentRecord *const *one = a, *const *other = b;

  return strcmp ((*one)->ip, (*other)->ip);
}

/**
 * elves_agent_table_sorted:
 * @self: the table.
 *
 * Returns: (transfer none): of #ElvesAgentRecord: all, by ip, until the table changes. Sorted anew
 * after a change only.
 */
const GPtrArray *
elves_agent_table_sorted (ElvesAgentTable *self)
{
  GHashTableIter iter;
  gpointer record;

  if (self->sorted != NULL)
    return self->sorted;

  self->sorted = g_ptr_array_sized_new (g_hash_table_size (self->records));
  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &record))
    g_ptr_array_add (self->sorted, record);
  g_ptr_array_sort (self->sorted, compare_ips);
  return self->sorted;
}

/**
 * elves_agent_table_size:
 * @self: the table.
 *
 * Returns: how many agents are registered.
 */
guint
elves_agent_table_size (ElvesAgentTable *self)
{
  return g_hash_table_size (self->records);
}

/**
 * elves_agent_table_journals:
 * @self: the table.
 *
 * Returns: how many of them keep a journal; takes time that grows with their number.
 */
guint
elves_agent_table_journals (ElvesAgentTable *self)
{
  GHashTableIter iter;
  gpointer record;
  guint count = 0;

  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &record))
    count += ((ElvesAgentRecord *) record)->has_journal ? 1 : 0;
  return count;
}
