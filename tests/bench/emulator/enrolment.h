/* The nodes of the agents in ZooKeeper. Blocks: an emulator may. */
#pragma once

#include "tests/bench/emulator/crowd.h"

G_BEGIN_DECLS

typedef struct Enrolment Enrolment;

/* @features: JSON, what is in the brackets of the member "features" */
Enrolment *enrolment_new (const char *hosts,
                          const char *root,
                          const char *features,
                          const CrowdOptions *options,
                          GError **error);
void enrolment_free (Enrolment *self); /* the nodes go with the session */
/* The session ends, and with it all nodes; then a new one creates them. */
gboolean enrolment_renew (Enrolment *self, GError **error);
/* The floor of what a scheduler does at its start: the list, and every node with a watch.
   Returns: seconds; negative: it failed */
double enrolment_read (Enrolment *self);

G_END_DECLS
