// SPDX-License-Identifier: Apache-2.0
//
// Repairs of a model file: what it says of itself, which channel comes first, which runtime it asks
// for. Each changes the graph or the metadata only where that is sound, and says what it did.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/diagnosis_task.h"
#include "tflite/graph.h"
#include "tflite/metadata.h"

namespace bowerbird::tflite {

struct MetadataWishes {
  std::string model_name = {};  // for a file that has none
  std::string label_file = {};  // the name of the packed label file; "" = leave labels
  size_t label_count = 0;
  std::vector<float> mean = {};  // of channels 0..255, one or three; empty = leave it
  std::vector<float> std = {};
  bool takes_rgb = false;                // the graph was made to: even YOLOX, which wants BGR
  std::vector<uint32_t> box_order = {};  // which of 0=xmin 1=ymin 2=xmax 3=ymax stands where
};

// What the file says of itself, completed: names and kinds of all tensors, and what is wished.
// Where nothing is wished, the box order of TFLite_Detection_PostProcess and the scaling of YOLOX
// are filled in. Appends one sentence a change. INVALID_ARGUMENT: a wish does not fit the model.
absl::StatusOr<FileMetadata> RepairMetadata(const GraphView& view,
                                            const std::optional<FileMetadata>& given,
                                            const MetadataWishes& wishes,
                                            std::vector<std::string>& changes);

// Makes a model that wants blue, green, red take red, green, blue: the input channels of the first
// convolutions change places, through whatever moves pixels before them. FAILED_PRECONDITION names
// the operator that stands in the way; the graph is as it was then. Returns the number of
// convolutions changed.
absl::StatusOr<int> SwapInputChannels(Graph& graph);

// Lowers the versions of operators that `has` says no to, to the lowest version that has the
// features which they use; those are known here for CONV_2D and FULLY_CONNECTED. Appends one
// sentence a change.
void LowerVersions(Graph& graph, const std::function<bool(const OperatorCode&)>& has,
                   std::vector<std::string>& changes);

}  // namespace bowerbird::tflite
