// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the transform camera share: pictures whose pixels tell where they came from, a
// source camera and a vision service with given answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "machine/camera_test_machine.h"
#include "machine/camera_transform.h"

namespace bowerbird::machine {

using image::Image;
using image::PixelFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Every pixel different: R = x, G = y, B = 200.
inline Image Grid(int width, int height) {
  Image grid(width, height, PixelFormat::kRgb8);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = grid.row(y) + 3 * x;
      pixel[0] = static_cast<uint8_t>(x);
      pixel[1] = static_cast<uint8_t>(y);
      pixel[2] = 200;
    }
  }
  return grid;
}

inline Image DepthGrid(int width, int height) {
  Image grid(width, height, PixelFormat::kDepth16);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      grid.depth_row(y)[x] = static_cast<uint16_t>(1000 + 100 * y + x);
  return grid;
}

inline std::pair<int, int> Origin(const Image& grid, int x, int y) {
  return {grid.row(y)[3 * x], grid.row(y)[3 * x + 1]};
}

// Gives what it is told to, and counts.
class FixedCamera final : public Camera {
 public:
  absl::StatusOr<CameraImages> GetImages(const Context&, const std::vector<std::string>&,
                                         const Json& extra) override {
    {
      const MutexLock lock(mutex);
      last_extra = extra;
    }
    if (!status.ok()) return status;
    return images;
  }
  absl::StatusOr<CameraProperties> GetProperties(const Context&) override {
    CameraProperties properties;
    properties.frame_rate = 12.5f;
    return properties;
  }
  void Add(const std::string& source, Image pixels) {
    const auto mime =
        pixels.format() == PixelFormat::kDepth16 ? image::kMimeRawDepth : image::kMimePng;
    images.images.push_back(
        {source, image::Picture::FromImage(std::move(pixels), mime).value(), {}});
  }

  CameraImages images;
  absl::Status status;
  Mutex mutex;
  Json last_extra;  // of any of the callers
};

class FixedVision final : public Vision {
 public:
  absl::StatusOr<Detections> GetDetections(const Context&, const image::Picture& picture,
                                           const Json&) override {
    ++calls;
    mime = picture.mime();
    return detections;
  }
  absl::StatusOr<std::vector<vision::Classification>> GetClassifications(const Context&,
                                                                         const image::Picture&, int,
                                                                         const Json&) override {
    ++calls;
    return classifications;
  }
  absl::StatusOr<Detections> GetDetectionsFromCamera(const Context&, const std::string&,
                                                     const Json&) override {
    return Unimplemented("");
  }
  absl::StatusOr<std::vector<vision::Classification>> GetClassificationsFromCamera(
      const Context&, const std::string&, int, const Json&) override {
    return Unimplemented("");
  }
  absl::StatusOr<std::vector<PointCloudObject>> GetObjectPointClouds(const Context&,
                                                                     const std::string&,
                                                                     const Json&) override {
    return Unimplemented("");
  }
  absl::StatusOr<VisionProperties> GetProperties(const Context&) override {
    return VisionProperties{};
  }
  absl::StatusOr<CaptureAll> CaptureAllFromCamera(const Context&, const std::string&,
                                                  const CaptureAllOptions&, const Json&) override {
    return Unimplemented("");
  }

  Detections detections;
  std::vector<vision::Classification> classifications;
  std::atomic<int> calls = 0;
  std::string mime;
};

class TransformTest : public ::testing::Test {
 protected:
  TransformTest() {
    machine_.Put(kCameraApi, "source", source_);
    machine_.Put(kVisionApi, "eyes", eyes_);
  }

  // The pixels after the pipeline, before they are encoded.
  absl::StatusOr<Image> Run(const std::string& pipeline) {
    const Json attributes = {{"pipeline", Json::parse(pipeline)}};
    StageSurroundings surroundings;
    surroundings.finder = &machine_;
    ASSIGN_OR_RETURN(const auto stages, ReadPipeline(Attributes(attributes, "a"), surroundings));
    ASSIGN_OR_RETURN(auto frame, TransformFrame::Start(source_->images, stages[0]->WantsDepth()));
    for (const auto& stage : stages) RETURN_IF_ERROR(stage->Apply(Soon(), frame));
    ASSIGN_OR_RETURN(const auto pixels, frame.Pixels(Soon()));
    return pixels->Clone();
  }
  Image MustRun(const std::string& pipeline) {
    auto pixels = Run(pipeline);
    EXPECT_TRUE(pixels.ok()) << pixels.status();
    return pixels.ok() ? *std::move(pixels) : Image(1, 1, PixelFormat::kGray8);
  }
  std::string Problem(const std::string& pipeline) { return MessageOf(Run(pipeline).status()); }
  absl::StatusOr<std::shared_ptr<Camera>> Build(const std::string& pipeline) {
    return machine_.BuildCamera("t", "transform",
                                R"({"source": "source", "pipeline": )" + pipeline + "}");
  }

  TestMachine machine_;
  std::shared_ptr<FixedCamera> source_ = std::make_shared<FixedCamera>();
  std::shared_ptr<FixedVision> eyes_ = std::make_shared<FixedVision>();
};

}  // namespace bowerbird::machine
