/* How many workers run at one time, on this host and per app, and who waits behind them. Pure: no
   clock, no loop, no process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesAdmission ElvesAdmission;
typedef struct ElvesTicket ElvesTicket;

/* May come from inside elves_admission_enter() of the same ticket, and from elves_ticket_leave() of
   another one. */
typedef void (*ElvesAdmittedFunc) (gpointer user_data);

ElvesAdmission *elves_admission_new (guint max_running, guint max_waiting);
void elves_admission_free (ElvesAdmission *self); /* every ticket must have left */

ElvesTicket *elves_admission_enter (ElvesAdmission *self,
                                    const char *app,
                                    guint app_limit,
                                    ElvesAdmittedFunc admitted,
                                    gpointer user_data,
                                    GError **error);
void elves_ticket_leave (ElvesTicket *self);
gboolean elves_ticket_is_admitted (const ElvesTicket *self);

guint elves_admission_running (const ElvesAdmission *self);
guint elves_admission_waiting (const ElvesAdmission *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAdmission, elves_admission_free)

G_END_DECLS
