/* Every route of the API; openapi/v3.json describes each, and a test compares both. */
#include "openapi/v3-private.h"

#define PAGE "page size "
#define TASKS "after limit status"
#define EVENTS "since wait limit"

const ElvesV3Route elves_v3_routes[] = {
  { "GET", "/openapi.json", "", NULL, TRUE, elves_v3_document_show },

  { "POST", "/jobs", "wait", elves_v3_job_fields, FALSE, elves_v3_jobs_create },
  { "GET", "/jobs", PAGE "app name", NULL, FALSE, elves_v3_queues_list },
  { "GET", "/jobs/{id}", "wait", NULL, FALSE, elves_v3_queues_show },
  { "POST", "/jobs/{id}/cancel", "", NULL, FALSE, elves_v3_queues_cancel },
  { "GET", "/jobs/{id}/tasks", TASKS, NULL, FALSE, elves_v3_queues_tasks },
  { "GET", "/jobs/{id}/events", EVENTS, NULL, FALSE, elves_v3_queues_events },
  { "GET", "/jobs/{id}/tasks/{task}/output", "offset wait limit", NULL, FALSE,
    elves_v3_queues_output },

  { "POST", "/queues", "wait", elves_v3_queue_fields, FALSE, elves_v3_queues_create },
  { "GET", "/queues", PAGE "app name", NULL, FALSE, elves_v3_queues_list },
  { "GET", "/queues/{id}", "wait", NULL, FALSE, elves_v3_queues_show },
  { "POST", "/queues/{id}/cancel", "", NULL, FALSE, elves_v3_queues_cancel },
  { "GET", "/queues/{id}/tasks", TASKS, NULL, FALSE, elves_v3_queues_tasks },
  { "GET", "/queues/{id}/events", EVENTS, NULL, FALSE, elves_v3_queues_events },
  { "GET", "/queues/{id}/tasks/{task}/output", "offset wait limit", NULL, FALSE,
    elves_v3_queues_output },

  { "POST", "/schedules", "", elves_v3_schedule_fields, FALSE, elves_v3_schedules_create },
  { "GET", "/schedules", PAGE "name state", NULL, FALSE, elves_v3_schedules_list },
  { "GET", "/schedules/{id}", "", NULL, FALSE, elves_v3_schedules_show },
  { "PUT", "/schedules/{id}", "", elves_v3_schedule_fields, FALSE, elves_v3_schedules_replace },
  { "DELETE", "/schedules/{id}", "", NULL, FALSE, elves_v3_schedules_delete },
  { "POST", "/schedules/{id}/start", "", NULL, FALSE, elves_v3_schedules_start },
  { "POST", "/schedules/{id}/stop", "", NULL, FALSE, elves_v3_schedules_stop },
  { "GET", "/schedules/{id}/executions", PAGE, NULL, FALSE, elves_v3_schedules_executions },

  { "GET", "/agents", PAGE "selector", NULL, FALSE, elves_v3_agents_list },
  { "GET", "/agents/{ip}", "", NULL, FALSE, elves_v3_agents_show },
  { NULL }
};
