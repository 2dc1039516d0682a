// SPDX-License-Identifier: Apache-2.0
//
// Whether several calls of a model are faster in one run, found out when it is loaded: by trying.
// Private to this room.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/batcher.h"
#include "infer/tflite_loader.h"
#include "nlohmann/json_fwd.hpp"

namespace bowerbird::infer {

// What was found out about one file, as it is kept (model_facts.h).
struct BatchTrial {
  static constexpr std::string_view kKind = "batching";

  std::chrono::nanoseconds alone{};     // processor time of one call
  std::chrono::nanoseconds together{};  // of a run of all rows
  std::string refusal;                  // why runs are impossible or were not tried; "": they work

  nlohmann::json ToJson() const;
  static absl::StatusOr<BatchTrial> FromJson(const nlohmann::json& json);
};

struct BatchPlan {
  int rows = 0;                         // of one run; 0: calls are run one by one
  int worth_rows = 0;                   // so many calls are clearly faster together
  std::vector<Shape> row_shapes;        // of the inputs of one call
  std::vector<Shape> output_shapes;     // of its outputs
  std::chrono::nanoseconds alone{};     // processor time of one call
  std::chrono::nanoseconds together{};  // of a run of `rows`
  std::string verdict;                  // for people
};

// Takes some tens of milliseconds of processor time at most, once for a file if the probe keeps
// facts: models for which that is not enough are not tried. The conditions are that every row comes
// out bit for bit as it does alone, and that the run takes clearly less time than the calls.
BatchPlan PlanBatching(const LoadedTflite& loaded, const TfliteOptions& options);

// An instance for runs of `plan.rows` rows.
absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeForRows(const LoadedTflite& loaded,
                                                            int num_threads, const BatchPlan& plan);

// One run for `rows`, at most `plan.rows`, on an instance made for them. Sets no row's status.
absl::Status RunTogether(TfliteInstance& instance, const BatchPlan& plan,
                         std::span<BatchRow* const> rows);

// `row` alone on an ordinary instance, whatever shapes that was left with.
absl::Status RunAlone(TfliteInstance& instance, const BatchPlan& plan, BatchRow& row);

}  // namespace bowerbird::infer
