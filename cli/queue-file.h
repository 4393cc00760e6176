/* The file of elvesctl queue submit: a queue, its tasks, and which of them wait for which. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

enum
{
  ELVES_QUEUE_FILE_TASKS = 10000 /* at most */
};

typedef struct
{
  char *name;
  JsonObject *members; /* as they stand in the file; belongs to the file */
  GArray *needs;       /* guint: indexes of tasks, all below its own */
  char *id;            /* (nullable) what elves-queue calls it */
} ElvesQueueFileTask;

typedef struct
{
  JsonNode *root;
  char *app;
  char *on_failure; /* (nullable) */
  GPtrArray *tasks; /* ElvesQueueFileTask, so ordered that nothing waits for a later one */
} ElvesQueueFile;

/* @path: "-" is stdin. Errors name the task and what is wrong: a name that is not there, a circle.
 */
ElvesQueueFile *elves_queue_file_load (const char *path, GError **error);
void elves_queue_file_free (ElvesQueueFile *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueFile, elves_queue_file_free)

G_END_DECLS
