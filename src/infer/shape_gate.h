// SPDX-License-Identifier: Apache-2.0
//
// Which input shapes a model may be run with, other than those of its file. The runtime may die of
// a shape as it may die of a file, so the probe that has cleared the file tries a shape before the
// first call that brings it. Private to this room.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "base/context.h"
#include "base/mutex.h"
#include "infer/probe.h"
#include "infer/tensor.h"
#include "infer/tflite_loader.h"

namespace bowerbird::infer {

// Shapes are those of all inputs, in the graph's order. Thread-safe. Remembers what the last shapes
// came to, as long as it lives.
class ShapeGate {
 public:
  // Null where nobody is asked: without a probe the file is trusted with every shape. `loaded` and
  // the probe must outlive the gate.
  static std::unique_ptr<ShapeGate> For(const LoadedTflite& loaded, const TfliteOptions& options);

  // Whether `shapes` are the file's own, or have passed.
  bool HasPassed(const std::vector<Shape>& shapes) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Has them tried if they are new; calls with shapes that are being tried wait for the same child,
  // others for their turn. Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED: what they came to;
  // CANCELLED, DEADLINE_EXCEEDED, others: they could not be tried.
  absl::Status Try(const Context& context, const std::vector<Shape>& shapes)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  ShapeGate(const LoadedTflite& loaded, const TfliteOptions& options);

  absl::Status Ask(const Context& context, const std::vector<Shape>& shapes) const;
  void Remember(const std::vector<Shape>& shapes, const absl::Status& verdict)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ModelProbe& probe_;
  const ProbeRequest request_;  // but for the shapes
  const std::vector<Shape> own_;
  mutable Mutex mutex_;
  CondVar tried_ ABSL_GUARDED_BY(mutex_);
  bool is_trying_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::vector<Shape>, absl::Status> verdicts_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::vector<Shape>> oldest_first_ ABSL_GUARDED_BY(mutex_);  // of verdicts_
};

}  // namespace bowerbird::infer
