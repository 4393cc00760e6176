/* Between a publication or a delivery and the properties of its AMQP message. Pure. */
#pragma once

#include "common/amqp.h"

#include <amqp.h>
#include <amqp_framing.h>

G_BEGIN_DECLS

/* The properties of one publication, and the space they point into; may not be copied. */
typedef struct
{
  amqp_basic_properties_t properties;
  amqp_table_entry_t headers[5];
  amqp_field_value_t cc;
  char expiration[sizeof "4294967295"];
} ElvesAmqpProperties;

/* FALSE: AMQP has no form for it, a text is too long. */
gboolean elves_amqp_properties_set (ElvesAmqpProperties *self,
                                    const ElvesPublication *publication,
                                    gboolean persistent);
void elves_amqp_properties_read (const amqp_basic_properties_t *properties,
                                 ElvesDelivery *delivery);

G_END_DECLS
