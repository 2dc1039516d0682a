// SPDX-License-Identifier: Apache-2.0
//
// How a tensor of YOLO candidates is laid out, from its shape, the number of labels and what it
// held for the probe picture.
#pragma once

#include <span>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "infer/tensor.h"
#include "vision/yolo_head.h"

namespace bowerbird::vision {

struct YoloPlan {
  YoloLayout layout;
  YoloGrid grid;
};

// FAILED_PRECONDITION when the shape is not [1, N, K] or [1, K, N] with K >= 5, or, unless `forced`
// by the configuration, when N is no count that the usual strides give.
absl::StatusOr<YoloPlan> RecognizeYolo(const infer::Shape& shape, std::span<const float> values,
                                       image::Size input, int label_count, bool forced);

}  // namespace bowerbird::vision
