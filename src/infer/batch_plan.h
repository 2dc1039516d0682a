// SPDX-License-Identifier: Apache-2.0
//
// Whether, and how, several calls of a model are run together. Private to this room.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/batcher.h"
#include "infer/tflite_loader.h"

namespace bowerbird::infer {

struct BatchPlan {
  int rows = 0;                         // of one run; 0: calls are run one by one
  int worth_rows = 0;                   // so many calls are clearly faster together
  std::vector<Shape> row_shapes;        // of the inputs of one call
  std::vector<Shape> output_shapes;     // of its outputs
  std::chrono::nanoseconds alone{};     // processor time of one call
  std::chrono::nanoseconds together{};  // of a run of `rows`
  std::string verdict;                  // for people
};

// What can be said without a run: fills in rows and shapes. FAILED_PRECONDITION says why calls of
// this model are never run together.
absl::Status ShapeRows(const LoadedTflite& loaded, const TfliteOptions& options, BatchPlan& plan);

// By the trial that came with the load, else, for a file that is trusted, by one that is made here.
// The conditions are that every row comes out bit for bit as it does alone, that the run takes
// clearly less time than the calls, and that the memory limit has room for it.
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
