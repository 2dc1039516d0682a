// SPDX-License-Identifier: Apache-2.0
#include "infer/serving.h"

namespace bowerbird::infer {

ServingMetrics MetricsOf(Metrics& metrics, const std::string& model) {
  const auto instances = [&](const char* state) {
    return &metrics.GetGauge(
        "bowerbird_model_instances",
        "Instances of a model: existing ones, and those of them that are idle.",
        {{"model", model}, {"state", state}});
  };
  const Metrics::Labels labels = {{"model", model}};
  ServingMetrics serving;
  serving.existing = instances("existing");
  serving.idle = instances("idle");
  serving.waiting = &metrics.GetGauge("bowerbird_model_waiting",
                                      "Callers that wait for an instance of a model.", labels);
  serving.batches = &metrics.GetCounter("bowerbird_model_batches_total",
                                        "Runs of a model that served several callers.", labels);
  serving.batched_calls = &metrics.GetCounter("bowerbird_model_batched_calls_total",
                                              "Calls that were served by such a run.", labels);
  return serving;
}

}  // namespace bowerbird::infer
