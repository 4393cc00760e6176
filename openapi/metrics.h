/* What the openapi counts about itself; one for the process. Main thread only. */
#pragma once

#include "common/metrics.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 requests, not_found; /* HTTP requests; of them, for what is not there */
  guint64 waiting, calls;      /* requests not answered yet; calls to components not answered yet */
  guint64 streams;             /* answers that come in parts, open */
  guint64 connected;           /* to the broker: 1 or 0 */
  ElvesHistogram answer_times;
} ElvesOpenapiMetrics;

extern ElvesOpenapiMetrics elves_openapi_metrics;
extern const ElvesMetric elves_openapi_metric_table[];

G_END_DECLS
