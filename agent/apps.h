/* What is installed on this host, and which program a request means. */
#pragma once

#include "agent/config.h"
#include "common/reason.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesApps ElvesApps;

/* What to start: @program, then @file when there is one, then the three arguments of the job. */
typedef struct
{
  char *program;   /* absolute path; or, of an interpreter, a name to look up in worker.path */
  char *file;      /* (nullable) absolute path: the first argument */
  char *directory; /* of the app */
} ElvesAppEntry;

void elves_app_entry_clear (ElvesAppEntry *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesAppEntry, elves_app_entry_clear)

typedef struct
{
  char *name;
  char *version;
} ElvesAppInfo;

gboolean elves_app_name_is_valid (const char *name);

ElvesApps *elves_apps_new (const ElvesAgentConfig *config); /* @config must outlive it */
void elves_apps_free (ElvesApps *self);

gboolean elves_apps_is_installed (const ElvesApps *self, const char *app);
gboolean elves_apps_resolve (const ElvesApps *self,
                             const char *app,
                             const char *proxy,
                             ElvesAppEntry *out_entry,
                             ElvesReason *out_reason,
                             GError **error);
GPtrArray *elves_apps_list (const ElvesApps *self); /* of ElvesAppInfo, by name */
char *elves_apps_path (const ElvesApps *self, const char *app, const char *file);

guint elves_apps_concurrency (const ElvesApps *self, const char *app);
const char *elves_apps_user (const ElvesApps *self, const char *app);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesApps, elves_apps_free)

G_END_DECLS
