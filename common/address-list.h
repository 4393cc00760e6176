/* A list of addresses and networks ("10.0.0.0/8, 127.0.0.1, ::1") that may call. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct ElvesAddressList ElvesAddressList;

/* @text: separated by commas or blanks; "" is the empty list. Errors: ELVES_ERROR_CONFIG, names the
 * entry. */
ElvesAddressList *elves_address_list_parse (const char *text, GError **error);
void elves_address_list_free (ElvesAddressList *self);
gboolean elves_address_list_is_empty (const ElvesAddressList *self);
/* ::1 and ::ffff:a.b.c.d count as 127.0.0.1 and a.b.c.d. */
gboolean elves_address_list_contains (const ElvesAddressList *self, GInetAddress *address);

/* May a daemon listen on @host? Loopback always; anything else only with an allow list that is not
   empty. Errors: ELVES_ERROR_CONFIG, says which key to set. */
gboolean elves_listen_address_check (const char *host,
                                     const ElvesAddressList *allowed,
                                     const char *allow_key,
                                     GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAddressList, elves_address_list_free)

G_END_DECLS
