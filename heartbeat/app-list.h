/* Which apps, in which version, may run on which ip: what an agent that beats is answered.
 * Pure. Source: elves-thrift.md 3.6, elves-amqp.md 7.4 (appAuthInfo), elves-zookeeper.md 2. */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

typedef struct ElvesAppList ElvesAppList;

ElvesAppList *elves_app_list_new (void); /* nothing is known yet */
/* The same apps for every ip. @text: one JSON object, app -> version; single quotes are allowed, as
   the original's files have them. Errors: ELVES_ERROR_CONFIG. */
ElvesAppList *elves_app_list_new_local (const char *text, GError **error);
void elves_app_list_free (ElvesAppList *self);

/* The supervisor's list replaces all that was known. @result: an array of
   {"app","version","agentList":[ip]}. FALSE: what is known stays. Errors: ELVES_ERROR_PROTOCOL. */
gboolean elves_app_list_replace (ElvesAppList *self, ElvesJsonValue result, GError **error);

/* (transfer full): {"data":{"app":"version"}}; {} while nothing is known: an agent then changes
   nothing, where an empty data would make it remove all it has. */
char *elves_app_list_answer (const ElvesAppList *self, const char *ip);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAppList, elves_app_list_free)

G_END_DECLS
