/* Carries results to one scheduler, over connections that are kept. */
#pragma once

#include "common/deadlines.h"
#include "common/instruct.h"
#include "common/poller.h"

G_BEGIN_DECLS

typedef struct ElvesCourier ElvesCourier;

typedef enum
{
  ELVES_CARRIED_TAKEN,      /* answered "success" */
  ELVES_CARRIED_NOT_HELD,   /* answered "not held": it knows nothing of that job */
  ELVES_CARRIED_REFUSED,    /* any other answer, or none after it was sent */
  ELVES_CARRIED_UNREACHABLE /* never sent: no connection */
} ElvesCarried;

/* Exactly once for each elves_courier_send(), unless the courier is freed; from the main loop.
   @parcel: as given. @detail: why it was not taken. */
typedef void (*ElvesCarriedFunc) (ElvesCourier *courier,
                                  gpointer parcel,
                                  ElvesCarried how,
                                  const char *detail,
                                  gpointer user_data);

typedef struct
{
  const char *host;
  guint16 port;
  guint max_links;
  guint timeout_ms;     /* to connect; and without a byte either way while an answer is due */
  guint max_list;       /* results in one list */
  gsize max_list_bytes; /* of them; one may be larger */
} ElvesCourierOptions;

ElvesCourier *elves_courier_new (ElvesPoller *poller,
                                 ElvesDeadlines *deadlines,
                                 const ElvesCourierOptions *options,
                                 ElvesCarriedFunc carried,
                                 gpointer user_data);
void elves_courier_free (ElvesCourier *self); /* no callback afterwards */
void elves_courier_set_lists (ElvesCourier *self, gboolean takes_lists);
void elves_courier_send (ElvesCourier *self, ElvesReinstruct *result, gpointer parcel);
gboolean elves_courier_is_idle (const ElvesCourier *self); /* nothing to carry, nothing open */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCourier, elves_courier_free)

G_END_DECLS
