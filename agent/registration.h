/* This agent's entry in ZooKeeper. */
#pragma once

#include "agent/apps.h"
#include "agent/config.h"
#include "common/registry.h"

G_BEGIN_DECLS

typedef struct ElvesRegistration ElvesRegistration;

ElvesRegistration *elves_registration_new (ElvesRegistry *registry,
                                           const ElvesAgentConfig *config,
                                           const ElvesApps *apps,
                                           guint16 port);
void elves_registration_free (ElvesRegistration *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRegistration, elves_registration_free)

G_END_DECLS
