// SPDX-License-Identifier: Apache-2.0
//
// A Finder over a machine-learning model: prepares the input tensor from a picture, reads the
// model's outputs as boxes or class scores. The rules are those of docs/vision.md.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/resize.h"
#include "infer/model.h"
#include "vision/finder.h"

namespace bowerbird::vision {

// How pictures are scaled unless the options say otherwise; chosen by measurement (docs/vision.md).
inline constexpr image::Filter kDefaultFilter = image::Filter::kTriangle;

enum class Decoder {
  kAuto,         // by names, metadata, then shapes
  kPostprocess,  // boxes, classes, scores (and count) after a non-maximum suppression in the graph
  kSsd,          // raw box offsets and class scores; anchors generated (docs/vision.md)
  kYolo,         // one tensor of candidates: YOLOv5, v8 or X layout
};

struct ModelFinderOptions {
  std::map<std::string, std::string> remap_input_names;  // model tensor -> "image"
  std::map<std::string, std::string>
      remap_output_names;  // model tensor -> location|category|score|probability
  std::optional<std::array<int, 4>> box_order;  // position i holds 0=xmin 1=ymin 2=xmax 3=ymax
  std::optional<std::array<float, 3>> mean;     // unset: metadata of the model, else 0.5
  std::optional<std::array<float, 3>> std;
  std::optional<bool> bgr;
  double default_minimum_confidence = 0;
  std::map<std::string, double> label_confidences;  // if not empty: these labels only, case ignored
  std::string label_path;
  std::optional<double> nms_iou_threshold;  // unset: on at 0.5 for decoders without one, else off
  // Unset: stretched, but for YOLO models letterboxed as they are trained (docs/vision.md).
  std::optional<image::Fit> fit;
  std::optional<image::Filter> filter;  // unset: the measured default (docs/vision.md)
  Decoder decoder = Decoder::kAuto;
};

class ModelFinder : public Finder {
 public:
  // Looks at the metadata and runs the model once on a gray picture. `model` must outlive the
  // result. FAILED_PRECONDITION "does not fulfill any method of the vision service", with the
  // reason for each kind and the model's tensors, when it fits neither detection nor
  // classification.
  static absl::StatusOr<std::unique_ptr<ModelFinder>> Create(const Context& context,
                                                             const infer::Model& model,
                                                             const ModelFinderOptions& options);

  // Which tensors were taken for what, for logs and `inspect`:
  // "location=TFLite_Detection_PostProcess".
  virtual std::string Describe() const = 0;
};

}  // namespace bowerbird::vision
