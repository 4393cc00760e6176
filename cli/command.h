/* What the commands of elvesctl share: exit status, and the table main.c is made of. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Scripts rely on these: elvesctl(1). */
typedef enum
{
  ELVES_EXIT_SUCCESS = 0,
  ELVES_EXIT_WORKER_SAID_NO = 1,
  ELVES_EXIT_USAGE = 2,      /* also: configuration */
  ELVES_EXIT_NOT_RUN = 3,    /* the job could not be run, or its outcome is not known */
  ELVES_EXIT_UNREACHABLE = 4 /* broker or ZooKeeper; or no answer in time */
} ElvesExit;

/* What every command is given besides its own arguments. */
typedef struct
{
  const char *config_file;      /* (nullable) */
  const char *const *overrides; /* (nullable) "key=value" */
} ElvesCliContext;

/* argv[0] is the command's name. Errors are for the caller to print; the status is then returned by
   elves_cli_status_of_error(). */
typedef int (*ElvesCliRunFunc) (const ElvesCliContext *context,
                                int argc,
                                char **argv,
                                GError **error);

/* A table of them ends with a NULL name. */
typedef struct
{
  const char *name;
  const char *summary;
  ElvesCliRunFunc run;
} ElvesCliCommand;

/* argv[1] says which one; @parent is what was typed before it. */
int elves_cli_dispatch (const ElvesCliCommand *commands,
                        const char *parent,
                        const ElvesCliContext *context,
                        int argc,
                        char **argv,
                        GError **error);
char *elves_cli_describe (const ElvesCliCommand *commands);

int elves_cli_exec (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_send (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_agents (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_cancel (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_output (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_run (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_task (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_ping (const ElvesCliContext *context, int argc, char **argv, GError **error);

int elves_cli_cron (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_cron_add (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_cron_audit (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_cron_history (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_cron_next (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_queue (const ElvesCliContext *context, int argc, char **argv, GError **error);
int elves_cli_queue_submit (const ElvesCliContext *context, int argc, char **argv, GError **error);

int elves_cli_status_of_error (const GError *error);

G_END_DECLS
