/* Which agents are meant: an expression over their labels. Pure.
 *
 *   role=db                 the label is there and has this value (also: role==db)
 *   zone!=c                 it has another value, or is not there
 *   zone in (a,b)           one of these values
 *   zone notin (a,b)        none of them, or it is not there
 *   canary    !canary       it is there, it is not, whatever its value
 *   A,B                     both; so on
 *
 * Beside the labels, "ip", "version", "type" and "app.NAME" (whose value is the version) may be
 * asked for; whoever has the agents answers for all names. Blank selects everything. */
#pragma once

#include "common/labels.h"

G_BEGIN_DECLS

#define ELVES_SELECTOR_LIMIT_BYTES (64 * 1024)
#define ELVES_SELECTOR_TERMS_LIMIT 64
#define ELVES_SELECTOR_VALUES_LIMIT 4096 /* of all terms together */

typedef struct ElvesSelector ElvesSelector;

/* What @subject has by @name; FALSE: nothing. The text is valid until the next call. */
typedef gboolean (*ElvesSelectorGet) (gconstpointer subject,
                                      const char *name,
                                      ElvesLabelText *out_value);

/* Errors: ELVES_ERROR_INVALID: "at 7: expected a value, found ')'"; positions count from 1. */
ElvesSelector *elves_selector_parse (const char *text, GError **error);
void elves_selector_free (ElvesSelector *self);
gboolean
elves_selector_matches (const ElvesSelector *self, ElvesSelectorGet get, gconstpointer subject);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesSelector, elves_selector_free)

G_END_DECLS
