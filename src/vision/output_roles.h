// SPDX-License-Identifier: Apache-2.0
//
// Which output of a model means what. Always decided in the same order, so that a model behaves the
// same on every start: the configuration, literal names, what metadata says, shapes and values.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/tensor.h"
#include "vision/tensor_values.h"

namespace bowerbird::vision {

// One output as the model gave it for the probe picture, in metadata order.
struct OutputSample {
  const infer::TensorInfo* info = nullptr;
  infer::Shape shape;   // of this run; never unknown
  TensorValues values;  // borrowed from the lease that ran
};

// Indices into the outputs; -1 = the model has no such output.
struct DetectionRoles {
  int location = -1;  // four numbers a box
  int category = -1;  // one class number a box; without it `score` has a column for every class
  int score = -1;
  int count = -1;  // how many boxes were found; known, but nothing depends on it
};

// `remap`: model tensor -> "location", "category", "score". FAILED_PRECONDITION names the role that
// nothing fits and lists the outputs.
absl::StatusOr<DetectionRoles> ResolveDetectionRoles(
    std::span<const OutputSample> outputs, const std::map<std::string, std::string>& remap);

// The output with one score a class: `remap` to "probability", the literal name, the only output.
// Where `label_count` is not 0 and none of those fits, the only output whose metadata or length
// says so.
absl::StatusOr<int> ResolveProbability(std::span<const OutputSample> outputs,
                                       const std::map<std::string, std::string>& remap,
                                       int label_count);

// The output that `remap` gives to `role`, -1 when it gives none. FAILED_PRECONDITION when it names
// an output that the model lacks.
absl::StatusOr<int> RemappedOutput(std::span<const OutputSample> outputs,
                                   const std::map<std::string, std::string>& remap,
                                   const std::string& role);

// "a [1, 10, 4] float32, b [1, 10] float32"
std::string DescribeOutputs(std::span<const OutputSample> outputs);

// Extents of the shape, by position from the front; 1 beyond its end.
int64_t Extent(const infer::Shape& shape, size_t axis);

}  // namespace bowerbird::vision
