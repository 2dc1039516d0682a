// SPDX-License-Identifier: Apache-2.0
//
// For tests: a base model of random weights, pictures with coloured rectangles on noise, and a run
// of an exported file.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "evaluate/voc_ap.h"
#include "infer/plain_model.h"
#include "train/augment.h"
#include "train/detect.h"
#include "train/float_graph.h"
#include "train/model_ends.h"
#include "train/random.h"

namespace bowerbird::train {

inline constexpr int kSmallSize = 64;

// Five convolutions, each of which halves the map: strides 2 to 32, depths 8 to 32.
inline FloatGraph SmallBase() {
  FloatGraph base;
  base.graph.version = 3;
  base.graph.buffers.emplace_back();
  tflite::Subgraph& main = base.graph.subgraphs.emplace_back();
  tflite::Tensor input;
  input.name = "picture";
  input.shape = {1, kSmallSize, kSmallSize, 3};
  main.tensors.push_back(input);
  main.inputs = {0};
  Random random(1);
  int32_t map = 0;
  std::vector<int32_t> shape = input.shape;
  for (const int32_t depth : {8, 16, 24, 32, 32}) {
    std::vector<float> weights(static_cast<size_t>(depth * 9 * shape[3]));
    for (float& weight : weights)
      weight = static_cast<float>(random.Normal(std::sqrt(2.0 / (9 * shape[3]))));
    const int32_t kernel = AddFloats(base.graph, "kernel", {depth, 3, 3, shape[3]}, weights);
    const int32_t bias =
        AddFloats(base.graph, "bias", {depth}, std::vector<float>(static_cast<size_t>(depth)));
    shape = {1, shape[1] / 2, shape[2] / 2, depth};
    const std::string name = "map_" + std::to_string(shape[1]);
    map =
        Append(base.graph, 3, {map, kernel, bias}, {{name, shape}},
               tflite::Table::Of("Conv2DOptions", {{"padding", int64_t{0}},
                                                   {"stride_w", int64_t{2}},
                                                   {"stride_h", int64_t{2}},
                                                   {"fused_activation_function", int64_t{1}}}))[0];
  }
  base.graph.subgraphs[0].outputs = {map};
  return base;
}

// Gray noise with a rectangle of red (label 0) or of blue (label 1).
struct SmallPicture {
  image::Image pixels{kSmallSize, kSmallSize, image::PixelFormat::kRgb8};
  LabeledBox box;
};

inline SmallPicture MakeSmallPicture(Random& random) {
  SmallPicture picture;
  for (uint8_t& channel : picture.pixels.bytes())
    channel = static_cast<uint8_t>(80 + random.Below(60));
  const auto width = static_cast<int>(14 + random.Below(20));
  const auto height = static_cast<int>(14 + random.Below(20));
  const auto left = static_cast<int>(random.Below(static_cast<size_t>(kSmallSize - width)));
  const auto top = static_cast<int>(random.Below(static_cast<size_t>(kSmallSize - height)));
  picture.box = {.label = random.Chance(0.5) ? 0 : 1,
                 .x_min = static_cast<double>(left) / kSmallSize,
                 .y_min = static_cast<double>(top) / kSmallSize,
                 .x_max = static_cast<double>(left + width) / kSmallSize,
                 .y_max = static_cast<double>(top + height) / kSmallSize};
  for (int y = top; y < top + height; ++y) {
    for (int x = left; x < left + width; ++x) {
      uint8_t* const pixel = picture.pixels.row(y) + 3 * x;
      pixel[0] = picture.box.label == 0 ? 220 : 30;
      pixel[2] = picture.box.label == 0 ? 30 : 220;
    }
  }
  return picture;
}

// A file of the runtime while it lasts.
class ExportedModel {
 public:
  explicit ExportedModel(const std::string& bytes)
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("exported_" + std::to_string(::getpid()) + ".tflite")) {
    std::ofstream(path_, std::ios::binary) << bytes;
    model_ = infer::PlainModel::Load({.model_path = path_.string()}).value();
  }
  ~ExportedModel() { std::filesystem::remove(path_); }
  ExportedModel(const ExportedModel&) = delete;
  ExportedModel& operator=(const ExportedModel&) = delete;

  // Every output as floats, of a picture of the input's size.
  std::vector<std::vector<float>> Run(const image::Image& picture) {
    std::memcpy(model_->input(0).data(), picture.bytes().data(), picture.bytes().size());
    EXPECT_TRUE(model_->Invoke());
    std::vector<std::vector<float>> outputs;
    for (int i = 0; i < model_->output_count(); ++i) {
      const std::span<const std::byte> bytes = model_->output(i);
      std::vector<float>& output = outputs.emplace_back(bytes.size() / sizeof(float));
      std::memcpy(output.data(), bytes.data(), bytes.size());
    }
    return outputs;
  }

  const infer::PlainModel& model() const { return *model_; }

 private:
  const std::filesystem::path path_;
  std::unique_ptr<infer::PlainModel> model_;
};

// Mean AP at an overlap of 0.5 of a file of a detector of red (0) and blue (1).
inline double MeanPrecision(const std::string& file, const std::vector<DetectionSample>& samples) {
  ExportedModel model(file);
  evaluate::DetectionSet set{.categories = {"red", "blue"}};
  for (const DetectionSample& sample : samples) {
    const uint32_t number = set.pictures++;
    for (const LabeledBox& box : sample.boxes)
      set.truth.push_back({.picture = number,
                           .category = static_cast<uint32_t>(box.label),
                           .box = {box.x_min, box.y_min, box.x_max, box.y_max}});
    const std::vector<std::vector<float>> found = model.Run(sample.picture);
    for (size_t i = 0; i < static_cast<size_t>(found[3][0]); ++i) {
      const float* const box = &found[0][4 * i];
      set.found.push_back({.picture = number,
                           .category = static_cast<uint32_t>(found[1][i]),
                           .box = {box[1], box[0], box[3], box[2]},
                           .score = found[2][i]});
    }
  }
  return evaluate::VocAveragePrecision(set, {}).every_point.value_or(0);
}

}  // namespace bowerbird::train
