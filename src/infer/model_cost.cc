// SPDX-License-Identifier: Apache-2.0
#include "infer/model_cost.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <vector>

#include "base/status.h"
#include "infer/synthetic_input.h"

namespace bowerbird::infer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLeastRuns = 5;
constexpr size_t kMostRuns = 1000;

// After what was freed has gone back to the system.
double ResidentMegabytes() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

void Fill(const ModelMetadata& metadata, Lease& lease, bool with_pattern) {
  for (int i = 0; i < static_cast<int>(metadata.inputs.size()); ++i) {
    const std::span<std::byte> bytes = lease.Input(i);
    const TensorView view = lease.InputView(i);
    std::ranges::fill(bytes, std::byte{0});
    if (with_pattern) {
      FillWithPattern(view.type, view.shape, bytes);
    }
  }
}

double Quantile(const std::vector<double>& sorted, double q) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(std::lround(q * last))];
}

}  // namespace

absl::StatusOr<ModelCost> MeasureCost(TfliteOptions options, double seconds) {
  options.instances = 1;
  const double before_mb = ResidentMegabytes();
  ASSIGN_OR_RETURN(const std::unique_ptr<TfliteModel> model, TfliteModel::Load(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Lease> lease, model->Acquire({}));
  Fill(model->metadata(), *lease, /*with_pattern=*/true);
  // Inputs may be indices, of which a pattern has none that are valid.
  if (!lease->Invoke({}).ok()) {
    Fill(model->metadata(), *lease, /*with_pattern=*/false);
    RETURN_IF_ERROR(lease->Invoke({}));
  }
  ModelCost cost{.memory_mb = std::max(0.0, ResidentMegabytes() - before_mb)};
  std::vector<double> times;
  const auto start = Clock::now();
  while (times.size() < kLeastRuns ||
         (times.size() < kMostRuns &&
          std::chrono::duration<double>(Clock::now() - start).count() < seconds)) {
    const auto begun = Clock::now();
    RETURN_IF_ERROR(lease->Invoke({}));
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
  }
  std::ranges::sort(times);
  cost.p50_ms = Quantile(times, 0.5);
  cost.p95_ms = Quantile(times, 0.95);
  cost.runs = static_cast<int>(times.size());
  return cost;
}

}  // namespace bowerbird::infer
