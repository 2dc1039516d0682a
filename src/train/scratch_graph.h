// SPDX-License-Identifier: Apache-2.0
//
// A network for those who have no base model: small residual stages ("Deep Residual Learning", He
// et al., 2016) of random weights, which learn everything from the pictures at hand.
#pragma once

#include <vector>

#include "train/float_graph.h"

namespace bowerbird::train {

struct ScratchOptions {
  int side = 64;      // of the square pictures
  int depth = 16;     // of the first maps; it doubles as maps shrink, up to eight times
  int halvings = -1;  // from the picture to the last map; < 0 = HalvingsOf(side)
  uint64_t seed = 0;
};

// As many as leave a map of at most 7 x 7, where a mean over it still knows what is there.
int HalvingsOf(int side);

// [1, side, side, 3] in -1..1 to its last map, the only output. Same options: same bytes.
FloatGraph BuildScratchGraph(const ScratchOptions& options);

// NetworkOptions::normalized for a network that starts from random weights: every convolution but
// the heads of a detector, whose results only become rows of boxes.
std::vector<bool> ConvolutionsToNormalize(const tflite::Graph& graph);

}  // namespace bowerbird::train
