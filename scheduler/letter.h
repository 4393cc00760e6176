/* A job's message, to be published again. Pure. */
#pragma once

#include "common/amqp.h"

G_BEGIN_DECLS

ElvesPublication *elves_letter_new (const ElvesDelivery *message,
                                    const char *queue,
                                    const char *execution,
                                    guint attempts);

G_END_DECLS
