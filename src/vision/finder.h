// SPDX-License-Identifier: Apache-2.0
//
// Pictures in, detections or classifications out: what every vision service does, whether a model
// or a colour rule stands behind it.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "image/picture.h"
#include "vision/detection.h"

namespace bowerbird::vision {

// Thread-safe.
class Finder {
 public:
  virtual ~Finder() = default;

  virtual bool detects() const = 0;
  virtual bool classifies() const = 0;

  // UNIMPLEMENTED ("does not implement a Detector") unless detects(). In model order.
  virtual absl::StatusOr<std::vector<Detection>> Detect(const Context& context,
                                                        const image::Picture& picture) const = 0;

  // UNIMPLEMENTED ("does not implement a Classifier") unless classifies(). All classes in model
  // order.
  virtual absl::StatusOr<std::vector<Classification>> Classify(
      const Context& context, const image::Picture& picture) const = 0;
};

}  // namespace bowerbird::vision
