/* What the rows of the common parts of configurations refer to. */
#include "common/config-parts.h"

/* The first is what an empty configuration means. */
const char *const elves_config_queue_types[] = { "classic", "quorum", NULL };
