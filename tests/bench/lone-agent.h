/* A real agent, called by Thrift with nothing in between. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct LoneAgent LoneAgent;

typedef struct
{
  const char *app, *func, *param, *proxy;
  guint window; /* calls outstanding, each on a connection of its own */
  double seconds;
} LonePlan;

typedef struct
{
  double per_second;
  double p50_us;
  double cpu_us; /* of the agent, per call */
} LoneResult;

LoneAgent *lone_agent_start (void); /* of ELVES_BUILD_DIR; ends the program when it cannot */
void lone_agent_stop (LoneAgent *self);
void lone_agent_install (LoneAgent *self,
                         const char *app,
                         const char *file,
                         const char *text,
                         gssize length); /* -1: it is a text */
void lone_agent_run (LoneAgent *self, const LonePlan *plan, LoneResult *out_result);

G_END_DECLS
