/* A message on its way: from the broker to the handlers, and back to where it waits. */
#pragma once

#include "client/settings.h"

#include <amqp.h>

G_BEGIN_DECLS

/* Headers that we add: which tag it had, how often it has failed, and why the last time. */
#define ELVES_CLIENT_TAG_HEADER "elves-tag"
#define ELVES_CLIENT_RETRIES_HEADER "elves-retries"
#define ELVES_CLIENT_ERROR_HEADER "elves-error"
#define ELVES_CLIENT_TASK_HEADER "task" /* elves-cron's: the id of the timed task */

typedef struct
{
  gboolean is_end; /* no message: the last of a queue, and nobody's to free */
  guint epoch;     /* of which connection */
  guint64 delivery_tag;
  amqp_envelope_t envelope;
  ElvesConsumerMessage message; /* its texts are ours */

  /* Set when it was handled. */
  gboolean has_failed;
  char *error_text; /* (nullable) */
} ElvesClientItem;

/* Takes what @envelope holds. Whatever it is: a message of anybody may come. */
ElvesClientItem *elves_client_item_new (const amqp_envelope_t *envelope, guint epoch);
void elves_client_item_free (ElvesClientItem *self);

/* What it is published with when it has failed. Valid as long as the item. @entries: filled with
   the headers; NULL of @out_n: how many there may be. */
guint elves_client_item_headers_max (const ElvesClientItem *self);
void elves_client_item_properties (const ElvesClientItem *self,
                                   amqp_basic_properties_t *out_properties,
                                   amqp_table_entry_t *entries);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesClientItem, elves_client_item_free)

G_END_DECLS
