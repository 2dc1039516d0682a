// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/media.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <utility>

#include "image/codec.h"

namespace bowerbird::wire {
namespace {

using viam::app::datasync::v1::MimeType;

constexpr std::array<std::pair<MimeType, std::string_view>, 4> kMimeTypes = {{
    {MimeType::MIME_TYPE_IMAGE_JPEG, image::kMimeJpeg},
    {MimeType::MIME_TYPE_IMAGE_PNG, image::kMimePng},
    {MimeType::MIME_TYPE_APPLICATION_PCD, image::kMimePcd},
    {MimeType::MIME_TYPE_VIDEO_MP4, "video/mp4"},
}};

int ToInt(uint32_t pixels) {
  return static_cast<int>(std::min<uint32_t>(pixels, static_cast<uint32_t>(INT_MAX)));
}

}  // namespace

std::string_view WithoutLazy(std::string_view mime) {
  constexpr std::string_view kSuffix = "+lazy";
  if (mime.ends_with(kSuffix)) mime.remove_suffix(kSuffix.size());
  return mime;
}

MimeType MimeTypeFromName(std::string_view mime) {
  for (const auto& [type, name] : kMimeTypes)
    if (name == mime) return type;
  return MimeType::MIME_TYPE_UNSPECIFIED;
}

std::string_view MimeTypeName(MimeType type) {
  for (const auto& [known, name] : kMimeTypes)
    if (known == type) return name;
  return "";
}

void WriteIntrinsics(const image::Intrinsics& intrinsics,
                     viam::component::camera::v1::IntrinsicParameters& message) {
  message.set_width_px(static_cast<uint32_t>(std::max(intrinsics.size.width, 0)));
  message.set_height_px(static_cast<uint32_t>(std::max(intrinsics.size.height, 0)));
  message.set_focal_x_px(intrinsics.focal_x);
  message.set_focal_y_px(intrinsics.focal_y);
  message.set_center_x_px(intrinsics.center_x);
  message.set_center_y_px(intrinsics.center_y);
}

image::Intrinsics ReadIntrinsics(const viam::component::camera::v1::IntrinsicParameters& message) {
  image::Intrinsics intrinsics;
  intrinsics.size = {ToInt(message.width_px()), ToInt(message.height_px())};
  intrinsics.focal_x = message.focal_x_px();
  intrinsics.focal_y = message.focal_y_px();
  intrinsics.center_x = message.center_x_px();
  intrinsics.center_y = message.center_y_px();
  return intrinsics;
}

void WriteDistortion(const image::Distortion& distortion,
                     viam::component::camera::v1::DistortionParameters& message) {
  message.set_model("brown_conrady");
  for (const double parameter : {distortion.radial_k1, distortion.radial_k2, distortion.radial_k3,
                                 distortion.tangential_p1, distortion.tangential_p2})
    message.add_parameters(parameter);
}

}  // namespace bowerbird::wire
