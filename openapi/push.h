/* Notifications for devices: what is asked for, and the driver that takes it (qbasecron.md 7).
 *
 * A driver hands notifications on, to Apple's service or another one. There is one: "log", which
 * records them. */
#pragma once

#include "openapi/config.h"
#include "openapi/parameters.h"

G_BEGIN_DECLS

typedef struct
{
  const char *token; /* of the device */
  const char *alert;
  char *payload; /* one JSON value */
  gint64 badge;
  const char *sound;
  const char *expiry; /* "": none */
} ElvesPush;          /* texts are the parameters' */

typedef struct
{
  gpointer (*open) (const ElvesOpenapiConfig *config); /* outlives it */
  /* Takes it, and returns at once: it is on its way then, no more. Errors: ELVES_ERROR_BUSY. */
  gboolean (*push) (gpointer driver, const ElvesPush *push, GError **error);
  void (*close) (gpointer driver);
} ElvesPushDriver;

extern const ElvesPushDriver elves_push_log_driver;

/* FALSE: it names no device. Clear it in any case. */
gboolean elves_push_read (ElvesPush *self, const ElvesParameters *parameters);
void elves_push_clear (ElvesPush *self);
/* As one JSON object. */
void elves_push_write (const ElvesPush *self, GString *out, const char *name);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesPush, elves_push_clear)

G_END_DECLS
