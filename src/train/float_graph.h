// SPDX-License-Identifier: Apache-2.0
//
// A base model as training wants it: computed in float32 from a float picture to what its last
// operators with numbers of their own give, whatever types the file has.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "tflite/graph.h"

namespace bowerbird::train {

// What a channel 0..255 becomes in the float input: channel * scale + offset.
struct InputScaling {
  float scale = 1 / 127.5F;
  float offset = -1;
};

struct FloatGraph {
  tflite::Graph graph;  // owns its bytes
  InputScaling scaling;
  // By tensor of the file's main subgraph: its index in `graph`, -1 where it is gone.
  std::vector<int32_t> places;

  const tflite::Subgraph& main() const { return graph.subgraphs[0]; }
  image::Size input_size() const;
};

// Reads the file, multiplies quantised and half-precision numbers out, and takes off what stands at
// its ends for callers: conversions of types, TFLite_Detection_PostProcess (whose first two inputs
// become the outputs). The scaling is that of a quantised input, else that of the file's metadata,
// else the one to [-1, 1]. INVALID_ARGUMENT, UNIMPLEMENTED: not a model of one colour picture.
absl::StatusOr<FloatGraph> ReadFloatGraph(const std::string& path);

// Keeps what computes `outputs` (tensors of base.graph) and renumbers; `places` follow.
absl::Status CutAt(FloatGraph& base, std::span<const int32_t> outputs);

// Makes the graph take pictures of another size: shapes, RESHAPEs, and pools over the whole map
// follow. UNIMPLEMENTED or INVALID_ARGUMENT: an operator cannot follow; the graph is as it was.
absl::Status SetInputSize(tflite::Graph& graph, image::Size size);

}  // namespace bowerbird::train
