/* Kahn's: who needs nothing is done, and taken off the needs of others. O(n + edges). */
#include "queue/graph.h"

typedef struct
{
  guint *waits_for; /* of each: needs that are not done */
  guint *first;     /* of each: where its children begin; n + 1 of them */
  guint *children;
} Graph;

static void
graph_clear (Graph *graph)
{
  g_free (graph->waits_for);
  g_free (graph->first);
  g_free (graph->children);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Graph, graph_clear)

static void
fill (Graph *graph, guint n, const GArray *edges)
{
  g_autofree guint *next = g_new0 (guint, n + 1);
  graph->waits_for = g_new0 (guint, n + 1);
  graph->first = g_new0 (guint, n + 1);
  graph->children = g_new0 (guint, edges->len + 1);
  for (guint i = 0; i < edges->len; i++)
    {
      const ElvesQueueEdge *edge = &g_array_index (edges, ElvesQueueEdge, i);
      graph->waits_for[edge->task]++;
      graph->first[edge->needs + 1]++;
    }
  for (guint i = 0; i < n; i++)
    next[i + 1] = graph->first[i + 1] += graph->first[i];
  for (guint i = 0; i < edges->len; i++)
    {
      const ElvesQueueEdge *edge = &g_array_index (edges, ElvesQueueEdge, i);
      graph->children[next[edge->needs]++] = edge->task;
    }
}

/* How many can be done. */
static guint
walk (Graph *graph, guint n)
{
  g_autofree guint *done = g_new (guint, n + 1);
  guint n_done = 0;
  for (guint i = 0; i < n; i++)
    if (graph->waits_for[i] == 0)
      done[n_done++] = i;
  for (guint i = 0; i < n_done; i++)
    for (guint c = graph->first[done[i]]; c < graph->first[done[i] + 1]; c++)
      if (--graph->waits_for[graph->children[c]] == 0)
        done[n_done++] = graph->children[c];
  return n_done;
}

/**
 * elves_queue_graph_has_order:
 * @n: how many
 * @edges: who needs whom
 * @out_in_circle: (out): the first one that waits for a circle, when there is one
 */
gboolean
elves_queue_graph_has_order (guint n, const GArray *edges, guint *out_in_circle)
{
  g_auto (Graph) graph = { 0 };
  fill (&graph, n, edges);
  if (walk (&graph, n) == n)
    return TRUE;
  guint i = 0;
  while (graph.waits_for[i] == 0)
    i++;
  *out_in_circle = i;
  return FALSE;
}
