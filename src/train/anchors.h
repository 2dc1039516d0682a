// SPDX-License-Identifier: Apache-2.0
//
// Boxes as a detector's heads state them: relative to anchors, in the encoding that
// TFLite_Detection_PostProcess reads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "train/augment.h"
#include "vision/ssd_anchors.h"

namespace bowerbird::train {

// y, x, height, width: offsets of the centre in anchor sizes times 10, logarithms of the size's
// ratio times 5.
inline constexpr double kCenterScale = 10;
inline constexpr double kSizeScale = 5;

std::array<float, 4> Encode(const LabeledBox& box, const vision::Anchor& anchor);
LabeledBox Decode(std::span<const float, 4> code, const vision::Anchor& anchor);

struct MatchOptions {
  double matched_overlap = 0.5;  // an anchor that overlaps a box so much is to find it
  double ignored_overlap = 0.4;  // one that overlaps a box so much is neither right nor wrong
};

// What each anchor is to find: classes[a] = label + 1, 0 = nothing, -1 = ignored; codes[4a..] where
// it is to find something. Each box gets the anchor that overlaps it most, whatever the overlap.
// Both spans have the size for all anchors.
void MatchAnchors(std::span<const vision::Anchor> anchors, std::span<const LabeledBox> boxes,
                  const MatchOptions& options, std::span<int32_t> classes, std::span<float> codes);

}  // namespace bowerbird::train
