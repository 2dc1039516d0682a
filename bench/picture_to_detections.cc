// SPDX-License-Identifier: Apache-2.0
//
// A 1080p JPEG to detections through the product's own path, over the same decode scale, filter and
// Invoke written by hand (plain_pipeline.cc). Usage: picture_to_detections DETECTOR.tflite
#include <cmath>
#include <random>

#include "bench/measure.h"
#include "bench/plain_pipeline.h"
#include "image/codec.h"
#include "image/picture.h"
#include "infer/tflite_model.h"
#include "vision/decode_size.h"
#include "vision/model_finder.h"

namespace bowerbird::bench {
namespace {

// A scene with edges, gradients and a little noise: JPEG's cost depends on the content.
std::string Scene(int width, int height) {
  image::Image scene(width, height, image::PixelFormat::kRgb8);
  std::mt19937 random(7);
  for (int y = 0; y < height; ++y) {
    uint8_t* row = scene.row(y);
    for (int x = 0; x < width; ++x) {
      const bool disc = std::hypot(x % 240 - 120, y % 180 - 90) < 60;
      const int noise = static_cast<int>(random() % 12);
      row[3 * x] = static_cast<uint8_t>((disc ? 200 : 255 * x / width / 2) + noise);
      row[3 * x + 1] = static_cast<uint8_t>((disc ? 40 + y % 60 : 255 * y / height / 2) + noise);
      row[3 * x + 2] = static_cast<uint8_t>(80 + noise);
    }
  }
  return image::EncodeJpeg(scene, 85).value();
}

// What the product decodes at, in eighths.
int DecodeScale(int width, int height) {
  const image::Size asked = vision::DecodeSize({width, height});
  for (const int eighths : {1, 2, 4}) {
    if (1920 * eighths / 8 >= asked.width && 1080 * eighths / 8 >= asked.height) return eighths;
  }
  return 8;
}

int Main(const std::string& path) {
  infer::TfliteOptions options;
  options.model_path = path;
  options.instances = 1;
  auto model = infer::TfliteModel::Load(options);
  if (!model.ok()) {
    std::fprintf(stderr, "picture_to_detections: %s\n", model.status().ToString().c_str());
    return 1;
  }
  vision::ModelFinderOptions finder_options;
  finder_options.filter = image::Filter::kTriangle;
  auto finder = vision::ModelFinder::Create({}, **model, finder_options);
  if (!finder.ok()) {
    std::fprintf(stderr, "picture_to_detections: %s\n", finder.status().ToString().c_str());
    return 1;
  }
  PlainPipeline plain(path, 1);
  const std::string jpeg = Scene(1920, 1080);
  const int scale = DecodeScale(plain.input_width(), plain.input_height());

  std::vector<double> ratios, ours, floors, decode, resize, invoke;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> own, by_hand;
    for (int i = 0; i < 25; ++i) {
      const auto start = Clock::now();
      PhaseTimes phases;
      Context context;
      context.phases = &phases;
      const auto picture = image::Picture::FromBytes(jpeg);
      if (!(*finder)->Detect(context, *picture).ok()) std::abort();
      own.push_back(Microseconds(Clock::now() - start));
      const auto times = plain.Run(jpeg, scale);
      by_hand.push_back(times.total_us());
      decode.push_back(times.decode_us);
      resize.push_back(times.resize_us);
      invoke.push_back(times.invoke_us);
    }
    ours.push_back(Percentile(own, 0.5));
    floors.push_back(Percentile(by_hand, 0.5));
    ratios.push_back(ours.back() / floors.back());
  }
  Print("picture_to_detections",
        {{"unit", "ratio to the hand-written path"},
         {"ours_us", Median(ours)},
         {"floor_us", Median(floors)},
         {"floor_decode_us", Median(decode)},
         {"floor_resize_us", Median(resize)},
         {"floor_invoke_us", Median(invoke)},
         {"decode_scale", std::to_string(scale) + "/8"}},
        Median(ratios), 1.10, /*smaller_is_better=*/true, Spread(floors));
  return 0;
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: picture_to_detections DETECTOR.tflite\n");
    return 2;
  }
  return bowerbird::bench::Main(argv[1]);
}
