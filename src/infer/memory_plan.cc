// SPDX-License-Identifier: Apache-2.0
#include "infer/memory_plan.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "tflite/footprint.h"

namespace bowerbird::infer {

uint64_t MemoryNeed::Of(int instances, bool with_rows) const {
  const auto count = static_cast<uint64_t>(std::max(1, instances));
  return first + (count - 1) * another + (with_rows ? count * rows : 0);
}

MemoryNeed EstimateNeed(const tflite::Graph& graph, uint64_t file_bytes, bool delegated, int rows) {
  const tflite::Footprint footprint = tflite::Measure(graph);
  // A delegate packs the weights for each of its instances; else all read them in the file.
  const uint64_t packed = delegated ? footprint.constant_bytes : 0;
  MemoryNeed need;
  need.another = packed + footprint.peak_activation_bytes;
  need.first = file_bytes + need.another;
  if (rows > 1) need.rows = packed + static_cast<uint64_t>(rows) * footprint.peak_activation_bytes;
  return need;
}

int WantedInstances(const TfliteOptions& options) {
  if (options.instances > 0) return options.instances;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

MemoryPlan PlanMemory(const MemoryNeed& need, uint64_t limit, int wanted, bool wants_rows) {
  MemoryPlan plan{.instances = wanted, .with_rows = wants_rows};
  if (limit == 0) return plan;
  plan.with_rows = wants_rows && need.Of(wanted, true) <= limit;
  while (plan.instances > 1 && need.Of(plan.instances, plan.with_rows) > limit) --plan.instances;
  return plan;
}

std::string Megabytes(uint64_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000); }

uint64_t AnonymousBytes() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  }
  return 0;
}

}  // namespace bowerbird::infer
