// SPDX-License-Identifier: Apache-2.0
//
// Model `fake`: a gradient from yellow (top left) to blue, for trying things without a camera.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "image/image.h"
#include "machine/camera_lens.h"
#include "machine/resource.h"

namespace bowerbird::machine {

struct FakeCameraOptions {
  image::Size size{1280, 720};
  bool animated = false;  // moves one pixel to the left every 20 ms
  Lens lens;
};

class FakeCamera final : public Camera {
 public:
  using Now = std::function<std::chrono::system_clock::time_point()>;

  explicit FakeCamera(const FakeCameraOptions& options, Now now = std::chrono::system_clock::now);

  absl::StatusOr<CameraImages> GetImages(const Context& context,
                                         const std::vector<std::string>& filter_source_names,
                                         const Json& extra) override;
  absl::StatusOr<CameraProperties> GetProperties(const Context& context) override;
  // A point for each pixel, as far away as the pixel is blue.
  absl::StatusOr<std::string> GetPointCloud(const Context& context, const Json& extra) override;

 private:
  image::Image Shifted(int pixels) const;

  const FakeCameraOptions options_;
  const Now now_;
  const image::Image gradient_;
  Mutex mutex_;
  // Of the last shift asked for; shared by all who ask while it lasts.
  int shift_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const image::Picture> picture_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::machine
