/* The schedulers that may get a result: which there are, and which of them to try. */
#pragma once

#include "agent/config.h"
#include "common/registry.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct ElvesSchedulers ElvesSchedulers;

typedef void (*ElvesSchedulersFunc) (gpointer user_data);

/* "host:port", with an IPv6 address in brackets. FALSE: it is not of that form. */
gboolean elves_scheduler_address_parse (const char *text, char **out_host, guint16 *out_port);

ElvesSchedulers *elves_schedulers_new (const ElvesAgentConfig *config);
void elves_schedulers_watch (ElvesSchedulers *self,
                             ElvesRegistry *registry,
                             ElvesSchedulersFunc appeared,
                             gpointer user_data);
void elves_schedulers_free (ElvesSchedulers *self);

gboolean elves_schedulers_accept_origin (const ElvesSchedulers *self,
                                         const char *origin,
                                         GInetAddress *caller);
GPtrArray *elves_schedulers_candidates (const ElvesSchedulers *self, const char *origin);

gboolean elves_schedulers_take_lists (const ElvesSchedulers *self, const char *address);

void elves_schedulers_set_registered (ElvesSchedulers *self,
                                      const char *node,
                                      const guint8 *data,
                                      gsize length);
void elves_schedulers_remove_registered (ElvesSchedulers *self, const char *node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesSchedulers, elves_schedulers_free)

G_END_DECLS
