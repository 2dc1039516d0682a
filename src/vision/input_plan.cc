// SPDX-License-Identifier: Apache-2.0
#include "vision/input_plan.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "base/status.h"
#include "vision/decode_size.h"

namespace bowerbird::vision {
namespace {

using Type = image::TensorLayout::Type;

absl::StatusOr<Type> TypeOf(infer::DType type) {
  switch (type) {
    case infer::DType::kUint8:
      return Type::kUint8;
    case infer::DType::kInt8:
      return Type::kInt8;
    case infer::DType::kFloat32:
      return Type::kFloat32;
    default:
      return FailedPrecondition("invalid input type of " + std::string(infer::DTypeName(type)) +
                                ". try uint8, int8 or float32");
  }
}

int Extent(int64_t extent) {
  const bool known = extent > 0 && extent <= std::numeric_limits<int>::max();
  return known ? static_cast<int>(extent) : 0;
}

// Channels, height and width from a shape of rank 4. The first 3 is taken for the channels, as the
// reference machine does; a shape without one is gray where an extent of 1 stands in its place.
absl::Status ReadShape(const infer::Shape& shape, image::TensorLayout& layout) {
  if (shape.size() != 4) {
    return FailedPrecondition("the input has shape " + infer::ShapeText(shape) +
                              ", but a picture needs [1, height, width, channels] or "
                              "[1, channels, height, width]");
  }
  const auto three = std::find(shape.begin(), shape.end(), 3);
  layout.channels = 3;
  layout.channels_first = three - shape.begin() == 1;
  if (three == shape.end()) {
    if (shape[3] == 1) {
      layout.channels = 1;
    } else if (shape[1] == 1) {
      layout.channels = 1;
      layout.channels_first = true;
    } else if (shape[3] > 0) {
      return FailedPrecondition("the input has shape " + infer::ShapeText(shape) +
                                ": neither 3 nor 1 channels");
    }
  }
  layout.size.height = Extent(shape[layout.channels_first ? 2 : 1]);
  layout.size.width = Extent(shape[layout.channels_first ? 3 : 2]);
  return absl::OkStatus();
}

// Metadata speaks of channels 0..255, one value for all or one for each.
bool Broadcast(const std::vector<float>& values, std::array<float, 3>& out) {
  if (values.size() != 1 && values.size() != 3) return false;
  for (size_t c = 0; c < 3; ++c) out[c] = values[values.size() == 1 ? 0 : c];
  return true;
}

bool FromMetadata(const infer::TensorInfo& input, image::TensorLayout& layout) {
  if (!input.normalization.has_value()) return false;
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
  if (!Broadcast(input.normalization->mean, mean) || !Broadcast(input.normalization->std, std)) {
    return false;
  }
  if (std::find(std.begin(), std.end(), 0.0f) != std.end()) return false;
  layout.mean = mean;
  layout.std = std;
  layout.divisor = 1;
  return true;
}

void SetNormalization(const infer::TensorInfo& input, const ModelFinderOptions& options,
                      const InputConvention& convention, image::TensorLayout& layout) {
  if (!FromMetadata(input, layout)) {
    layout.mean = convention.mean;
    layout.std = convention.std;
    layout.divisor = 255;
  }
  if (!options.mean.has_value() && !options.std.has_value()) return;
  // The configuration speaks of channels 0..1.
  for (size_t c = 0; c < 3; ++c) {
    layout.mean[c] *= 255 == layout.divisor ? 1.0f : 1.0f / 255;
    layout.std[c] *= 255 == layout.divisor ? 1.0f : 1.0f / 255;
  }
  layout.divisor = 255;
  layout.mean = options.mean.value_or(layout.mean);
  layout.std = options.std.value_or(layout.std);
}

}  // namespace

InputConvention ConventionOf(Decoder decoder, bool yolox) {
  if (decoder != Decoder::kYolo) return {};
  if (yolox) {
    // Channels 0..255 as they are.
    return {{0, 0, 0}, {1.0f / 255, 1.0f / 255, 1.0f / 255}, true, image::Fit::kLetterboxTopLeft};
  }
  return {{0, 0, 0}, {1, 1, 1}, false, image::Fit::kLetterbox};
}

absl::StatusOr<InputPlan> InputPlan::Make(const infer::ModelMetadata& metadata,
                                          const ModelFinderOptions& options,
                                          const InputConvention& convention) {
  if (metadata.inputs.size() != 1) {
    return FailedPrecondition("the model has " + std::to_string(metadata.inputs.size()) +
                              " inputs; a vision model takes one picture");
  }
  const infer::TensorInfo& input = metadata.inputs[0];
  InputPlan plan;
  plan.name_ = input.name;
  plan.type_ = input.type;
  RETURN_IF_ERROR(ReadShape(input.shape, plan.layout_));
  ASSIGN_OR_RETURN(plan.layout_.type, TypeOf(input.type));
  // A family may want blue first; what the file says of itself comes before that.
  plan.layout_.bgr = options.bgr.value_or(convention.bgr && !input.is_rgb);
  SetNormalization(input, options, convention, plan.layout_);
  plan.fill_.fit = options.fit.value_or(convention.fit);
  plan.fill_.filter = options.filter.value_or(kDefaultFilter);
  return plan;
}

image::Size InputPlan::SizeFor(image::Size picture) const {
  return {layout_.size.width > 0 ? layout_.size.width : picture.width,
          layout_.size.height > 0 ? layout_.size.height : picture.height};
}

image::Size InputPlan::DecodeSizeFor(image::Size picture) const {
  return DecodeSize(image::Place(picture, SizeFor(picture), fill_.fit).inner);
}

infer::Shape InputPlan::ShapeFor(image::Size size) const {
  const int64_t channels = layout_.channels;
  if (layout_.channels_first) return {1, channels, size.height, size.width};
  return {1, size.height, size.width, channels};
}

absl::StatusOr<image::Placement> InputPlan::Fill(const image::Image& image, image::Size full_size,
                                                 infer::Lease& lease) const {
  image::TensorLayout layout = layout_;
  layout.size = SizeFor(full_size);
  const infer::Shape wanted = ShapeFor(layout.size);
  // Another caller may have left the instance at another shape.
  const std::span<const int64_t> now = lease.InputView(0).shape;
  if (!std::equal(now.begin(), now.end(), wanted.begin(), wanted.end())) {
    RETURN_IF_ERROR(lease.ResizeInputs({wanted}));
  }
  if (lease.InputView(0).type != type_) {
    return Internal("input " + name_ + " changed its type since the model was loaded");
  }
  return image::FillTensor(image, full_size, layout, fill_, lease.Input(0));
}

}  // namespace bowerbird::vision
