/* Asks the scheduler over RabbitMQ and waits for what comes back. Blocks: elvesctl has nothing else
   to do. */
#pragma once

#include "cli/settings.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct ElvesAsker ElvesAsker;

/* @result_of: (nullable) "cron" or "queue": results of async jobs of that type are received, too.
 */
ElvesAsker *
elves_asker_new (const ElvesCliSettings *settings, const char *result_of, GError **error);
void elves_asker_free (ElvesAsker *self);

/* Publishes @message, a JSON object with an mqkey, to from.to; answers come to a queue of our own.
 */
gboolean elves_asker_publish (ElvesAsker *self, JsonNode *message, GError **error);
/* The next answer; %ELVES_ERROR_TIMEOUT when none comes until @deadline_us (monotonic). */
JsonNode *elves_asker_wait (ElvesAsker *self, gint64 deadline_us, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAsker, elves_asker_free)

G_END_DECLS
