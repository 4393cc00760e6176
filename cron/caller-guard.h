/* Which addresses callbacks may not reach. */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct ElvesCronGuard ElvesCronGuard;

/* @forbid: addresses and networks, as in common/address-list.h. @forbid_private: those that are
   not of the public internet as well. Errors: ELVES_ERROR_CONFIG names the entry. */
ElvesCronGuard *elves_cron_guard_new (const char *forbid, gboolean forbid_private, GError **error);
void elves_cron_guard_free (ElvesCronGuard *self);
gboolean elves_cron_guard_forbids (const ElvesCronGuard *self, GInetAddress *address);

/* What a guard has seen of the connections for one message. */
typedef struct
{
  const ElvesCronGuard *guard;
  GCancellable *cancellable; /* of the message */
  char *refused;             /* (nullable) an address that was forbidden */
  gboolean let_through;      /* another one was not */
} ElvesCronWatch;

/* Watches the connections that are made for @message: none to a forbidden address begins, and no
   request is written to one. @watch and its guard must outlive what @message does. */
void elves_cron_watch_message (ElvesCronWatch *watch, SoupMessage *message);
void elves_cron_watch_clear (ElvesCronWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronGuard, elves_cron_guard_free)

G_END_DECLS
