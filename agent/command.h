/* What exactly is executed for one job: arguments, environment, folder, parameter file. */
#pragma once

#include "agent/apps.h"
#include "agent/config.h"
#include "agent/spawn.h"
#include "common/instruct.h"

G_BEGIN_DECLS

typedef struct ElvesCommands ElvesCommands; /* what all of them share */

typedef struct
{
  GStrv argv;
  GStrv environment;
  char *directory;
  const ElvesSpawnUser *user; /* (nullable) to change to; kept by the #ElvesCommands */
  char *param_file;           /* (nullable) removed by elves_command_free() */
} ElvesCommand;

ElvesCommands *elves_commands_new (const ElvesAgentConfig *config, GError **error);
void elves_commands_free (ElvesCommands *self);

ElvesCommand *elves_commands_build (ElvesCommands *self,
                                    const ElvesInstruct *instruct,
                                    const ElvesAppEntry *entry,
                                    const char *user,
                                    guint timeout_s,
                                    GError **error);
ElvesCommand *elves_commands_build_warm (ElvesCommands *self,
                                         const char *app,
                                         const ElvesAppEntry *entry,
                                         const char *user,
                                         GError **error);
void elves_command_free (ElvesCommand *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCommands, elves_commands_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCommand, elves_command_free)

G_END_DECLS
