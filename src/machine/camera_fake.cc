// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_fake.h"

#include <cmath>
#include <cstring>

#include "base/status.h"
#include "machine/camera_sources.h"
#include "machine/cameras.h"

namespace bowerbird::machine {
namespace {

constexpr int kMaxSide = 10'000;
constexpr std::chrono::milliseconds kTick{20};
// A message may have 32 MiB, a point takes 16 bytes; the header and the message around it are
// small.
constexpr int64_t kMaxPoints = (int64_t{32} << 20) / 16 - 1024;

// 0 at the top left corner, 1 at the opposite one.
double Distance(int x, int y, image::Size size) {
  return std::hypot(x, y) / std::hypot(size.width, size.height);
}

image::Image Gradient(image::Size size) {
  image::Image gradient(size.width, size.height, image::PixelFormat::kRgb8);
  for (int y = 0; y < size.height; ++y) {
    uint8_t* pixel = gradient.row(y);
    for (int x = 0; x < size.width; ++x, pixel += 3) {
      const double distance = Distance(x, y, size);
      pixel[0] = pixel[1] = static_cast<uint8_t>(255 * (1 - distance));
      pixel[2] = static_cast<uint8_t>(255 * distance);
    }
  }
  return gradient;
}

// A plausible lens for pictures of this size: 64 degrees wide, a little barrel.
Lens FixedLens(image::Size size) {
  Lens lens;
  lens.intrinsics = image::Intrinsics{size, 0.8 * size.width, 0.8 * size.width, size.width / 2.0,
                                      size.height / 2.0};
  lens.distortion = image::Distortion{0.11, -0.21, -0.015, -0.003, 0.002};
  return lens;
}

absl::StatusOr<int> ReadSide(const Attributes& attributes, std::string_view key, int normal) {
  ASSIGN_OR_RETURN(const int64_t side, attributes.Int(key, normal, 0, kMaxSide));
  if (side % 2 != 0) return attributes.Error(key, "is odd: give an even number of pixels");
  return side == 0 ? normal : static_cast<int>(side);
}

absl::StatusOr<FakeCameraOptions> ReadOptions(const Attributes& attributes) {
  FakeCameraOptions options;
  ASSIGN_OR_RETURN(options.size.width, ReadSide(attributes, "width", 1280));
  ASSIGN_OR_RETURN(options.size.height, ReadSide(attributes, "height", 720));
  ASSIGN_OR_RETURN(options.animated, attributes.Bool("animated", false));
  ASSIGN_OR_RETURN(options.lens, ReadLens(attributes));
  ASSIGN_OR_RETURN(const bool model, attributes.Bool("model", false));
  if (model) options.lens = FixedLens(options.size);
  return options;
}

}  // namespace

FakeCamera::FakeCamera(const FakeCameraOptions& options, Now now)
    : options_(options), now_(std::move(now)), gradient_(Gradient(options_.size)) {}

absl::StatusOr<CameraImages> FakeCamera::GetImages(
    const Context& context, const std::vector<std::string>& filter_source_names, const Json&) {
  RETURN_IF_ERROR(CheckSourceFilter(filter_source_names, {""}));
  const auto now = now_();
  const int shift = options_.animated
                        ? static_cast<int>((now.time_since_epoch() / kTick) % options_.size.width)
                        : 0;
  MutexLock lock(mutex_);
  if (picture_ == nullptr || shift != shift_) {
    ASSIGN_OR_RETURN(
        picture_, image::Picture::FromImage(Shifted(shift), image::kMimeJpeg, 75, context.phases));
    shift_ = shift;
  }
  CameraImages images;
  images.images.push_back({"", picture_, {}});
  images.captured_at = now;
  return images;
}

image::Image FakeCamera::Shifted(int pixels) const {
  image::Image shifted(options_.size.width, options_.size.height, image::PixelFormat::kRgb8);
  const size_t left = static_cast<size_t>(pixels) * 3;
  for (int y = 0; y < options_.size.height; ++y) {
    const size_t rest = gradient_.stride() - left;
    std::memcpy(shifted.row(y), gradient_.row(y) + left, rest);
    std::memcpy(shifted.row(y) + rest, gradient_.row(y), left);
  }
  return shifted;
}

absl::StatusOr<CameraProperties> FakeCamera::GetProperties(const Context&) {
  CameraProperties properties;
  properties.supports_pcd = true;
  properties.intrinsics = options_.lens.intrinsics;
  properties.distortion = options_.lens.distortion;
  properties.mime_types = {std::string(image::kMimeJpeg)};
  return properties;
}

absl::StatusOr<std::string> FakeCamera::GetPointCloud(const Context& context, const Json&) {
  const auto [width, height] = options_.size;
  if (int64_t{width} * height > kMaxPoints) {
    return ResourceExhausted("a point cloud of " + std::to_string(width) + "x" +
                             std::to_string(height) + " pixels does not fit into a message of 32 " +
                             "MiB: give the camera a smaller width and height");
  }
  image::PointCloud cloud;
  cloud.has_color = true;
  cloud.points.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
  for (int y = 0; y < height; ++y) {
    RETURN_IF_ERROR(context.Check());
    const uint8_t* pixel = gradient_.row(y);
    for (int x = 0; x < width; ++x, pixel += 3) {
      cloud.points.push_back({static_cast<float>(x), static_cast<float>(y),
                              static_cast<float>(255 * Distance(x, y, options_.size)), pixel[0],
                              pixel[1], pixel[2]});
    }
  }
  return image::EncodePcd(cloud);
}

void AddFakeCamera(Catalog& catalog) {
  catalog.Add({kCameraApi,
               {"rdk", "builtin", "fake"},
               [](const ResourceConfig&,
                  const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
                 RETURN_IF_ERROR(ReadOptions(attributes).status());
                 return std::vector<std::string>{};
               },
               [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
                 ASSIGN_OR_RETURN(const auto options, ReadOptions(request.attributes));
                 return std::make_shared<FakeCamera>(options);
               }});
}

}  // namespace bowerbird::machine
