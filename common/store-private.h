/* What the parts of the store share. */
#pragma once

#include "common/store-backend.h"

G_BEGIN_DECLS

/* One work and what came of it. */
typedef struct
{
  ElvesStoreWork work;
  ElvesStoreDone done; /* (nullable) */
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
  gboolean committing;    /* the commit that it is part of was sent; its answer is not known */
  gboolean decided;       /* committed, or @error says why not */
  GError *error;          /* (nullable) */
} ElvesStoreTask;

gboolean elves_store_batch_run (ElvesStoreBackend *backend,
                                ElvesStoreTask *const *tasks,
                                guint n,
                                GError **error);
void elves_store_batch_settle (ElvesStoreTask *const *tasks, guint n, gboolean committed);

G_END_DECLS
