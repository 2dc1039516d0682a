// SPDX-License-Identifier: Apache-2.0
//
// How a picture becomes the input tensor of a model: type, layout, size, colours, normalisation.
#pragma once

#include "absl/status/statusor.h"
#include "image/resize.h"
#include "infer/model.h"
#include "vision/model_finder.h"

namespace bowerbird::vision {

// What a family of models expects where neither the configuration nor metadata says otherwise.
struct InputConvention {
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f};  // of channels 0..1
  std::array<float, 3> std{0.5f, 0.5f, 0.5f};
  bool bgr = false;
  image::Fit fit = image::Fit::kStretch;
};
InputConvention ConventionOf(Decoder decoder, bool yolox);

// Immutable, so thread-safe.
class InputPlan {
 public:
  // From the metadata of the model's only input. FAILED_PRECONDITION: several inputs, a rank other
  // than 4, a type other than uint8, int8 or float32, channels other than 3 or 1.
  static absl::StatusOr<InputPlan> Make(const infer::ModelMetadata& metadata,
                                        const ModelFinderOptions& options,
                                        const InputConvention& convention);

  // The input's size for a picture: an unknown extent takes the picture's own.
  image::Size SizeFor(image::Size picture) const;

  // What Picture::Decoded must at least give for this picture.
  image::Size DecodeSizeFor(image::Size picture) const;

  // Gives the input the shape it needs for `size` and writes `image` into it. `full_size`: of the
  // picture `image` was decoded from, at whatever scale.
  absl::StatusOr<image::Placement> Fill(const image::Image& image, image::Size full_size,
                                        infer::Lease& lease) const;

  image::Fit fit() const { return fill_.fit; }
  bool takes_bgr() const { return layout_.bgr; }

 private:
  infer::Shape ShapeFor(image::Size size) const;

  std::string name_;
  infer::DType type_ = infer::DType::kUint8;
  image::TensorLayout layout_;  // size 0 where unknown
  image::FillOptions fill_;
};

}  // namespace bowerbird::vision
