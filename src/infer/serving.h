// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the serving path share: counts of instances, and where they are published.
#pragma once

#include <string>

#include "base/metrics.h"

namespace bowerbird::infer {

// Of the pool, for gauges.
struct InstanceCounts {
  int existing = 0;
  int limit = 0;
  int idle = 0;
  int waiting = 0;  // callers in the queue
};

// Each may be null. Gauges are changed by differences, never set: while a model is replaced, both
// versions count under the same name, and a version that goes takes its share away.
struct ServingMetrics {
  Metrics::Gauge* existing = nullptr;
  Metrics::Gauge* idle = nullptr;
  Metrics::Gauge* waiting = nullptr;
  Metrics::Counter* batches = nullptr;
  Metrics::Counter* batched_calls = nullptr;
};

// bowerbird_model_instances{model, state="existing"|"idle"}, bowerbird_model_waiting{model},
// bowerbird_model_batches_total{model}, bowerbird_model_batched_calls_total{model}.
ServingMetrics MetricsOf(Metrics& metrics, const std::string& model);

}  // namespace bowerbird::infer
