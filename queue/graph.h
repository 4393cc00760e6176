/* Whether things that need each other can be done one after the other. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint task, needs; /* indices below n */
} ElvesQueueEdge;

/* @edges: of ElvesQueueEdge. FALSE: there is a circle; *out_in_circle is one that cannot start. */
gboolean elves_queue_graph_has_order (guint n, const GArray *edges, guint *out_in_circle);

G_END_DECLS
