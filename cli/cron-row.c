#include "cli/cron-row.h"

#include "cli/members.h"

#include <stdio.h>

#define FORMAT "%-16s %-8s %-28s %-30s %s\n"

static const char *
either (const char *first, const char *second)
{
  return *first != '\0' ? first : second;
}

void
elves_cron_row_print_head (void)
{
  printf (FORMAT, "ID", "STATE", "NEXT", "WHEN", "WHAT");
}

void
elves_cron_row_print (JsonObject *task)
{
  g_autofree char *every = g_strdup_printf ("every %s s", elves_cli_text (task, "every"));
  const char *when =
      either (elves_cli_text (task, "rule"),
              *elves_cli_text (task, "every") != '\0' ? every : elves_cli_text (task, "at"));
  g_autofree char *job =
      g_strdup_printf ("%s %s %s", elves_cli_text (task, "ip"), elves_cli_text (task, "app"),
                       elves_cli_text (task, "func"));

  /* A task of an older system has an id in its spelling. */
  printf (FORMAT, either (elves_cli_text (task, "key"), elves_cli_text (task, "id")),
          elves_cli_text (task, "state"), either (elves_cli_text (task, "next"), "-"), when,
          either (either (elves_cli_text (task, "url"), elves_cli_text (task, "topic")), job));
}
