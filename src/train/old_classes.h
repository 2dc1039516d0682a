// SPDX-License-Identifier: Apache-2.0
//
// Which classes a pretrained detector takes new things for. A raccoon looks like a dog to it: the
// new class begins where the dog's is, and learns in a minute what would take ten from noise.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "train/float_graph.h"
#include "train/network.h"

namespace bowerbird::train {

struct DetectionSample;

// For each label the column of the detector's logits that, over the anchors on boxes of the label,
// rises most above its level elsewhere, in a few dozen of the samples; -1 for a label without
// boxes there.
absl::StatusOr<std::vector<int>> SimilarOldClasses(NetworkEngine& engine, const FloatGraph& base,
                                                   const std::vector<DetectionSample>& samples,
                                                   int labels);

}  // namespace bowerbird::train
