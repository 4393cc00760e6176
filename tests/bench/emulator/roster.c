#include "tests/bench/emulator/roster.h"

enum
{
  DEAD_AT = 3, /* of every so many agents, the one with this number */
  HANGING_AT = 7,
  FIRST_ADDRESS = (127 << 24) + (32 << 16) + 1
};

char *
roster_address (guint number)
{
  guint address = (guint) FIRST_ADDRESS + number;
  return g_strdup_printf ("%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                          address & 255);
}

static gboolean
is_at (guint number, guint every, guint place)
{
  return every > 0 && number % every == place % every;
}

gboolean
roster_is_dead (guint number, guint every)
{
  return is_at (number, every, DEAD_AT);
}

gboolean
roster_hangs (guint number, guint every)
{
  return is_at (number, every, HANGING_AT);
}
