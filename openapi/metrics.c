#include "openapi/metrics.h"

ElvesOpenapiMetrics elves_openapi_metrics;

#define FIELD(name) G_STRUCT_OFFSET (ElvesOpenapiMetrics, name)
#define NAME(name) "elves_openapi_" name

const ElvesMetric elves_openapi_metric_table[] = {
  { NAME ("requests_total"), ELVES_METRIC_COUNTER, FIELD (requests), "HTTP requests taken." },
  { NAME ("not_found_total"), ELVES_METRIC_COUNTER, FIELD (not_found),
    "HTTP requests for what is not there." },
  { NAME ("waiting"), ELVES_METRIC_GAUGE, FIELD (waiting), "HTTP requests not answered yet." },
  { NAME ("streams"), ELVES_METRIC_GAUGE, FIELD (streams),
    "HTTP answers that come in parts, open." },
  { NAME ("calls"), ELVES_METRIC_GAUGE, FIELD (calls),
    "Calls to other components not answered yet." },
  { NAME ("up"), ELVES_METRIC_GAUGE, FIELD (connected), "1 when it works, else 0.",
    "part=\"caller\"" },
  { NAME ("answer_seconds"), ELVES_METRIC_HISTOGRAM, FIELD (answer_times),
    "Time from a whole request to its answer." },
  { NULL }
};
