// SPDX-License-Identifier: Apache-2.0
//
// Outputs of any shape, type and value, through everything that reads them: whatever a model says,
// detections are finite boxes inside the picture and confidences lie in 0..1.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "vision/fake_model.h"
#include "vision/model_finder.h"

namespace bowerbird::vision {
namespace {

using infer::DType;

// Takes values off the front; zeros once the input is used up.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  void Fill(std::vector<std::byte>& bytes) {
    for (std::byte& byte : bytes) byte = std::byte{Byte()};
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

infer::Shape AnyShape(Source& source) {
  // Counts that decoders know (33 anchors and 21 cells of a 32x32 input), and others.
  static constexpr int64_t kExtents[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 21, 33, 36, 63, 90};
  infer::Shape shape(source.Byte() % 5);
  int64_t count = 1;
  for (int64_t& extent : shape) {
    extent = kExtents[source.Byte() % std::size(kExtents)];
    if (count * extent > 20000) extent = 1;
    count *= extent;
  }
  if (shape.size() > 1) shape[0] = 1;
  return shape;
}

infer::Tensor AnyTensor(Source& source) {
  static constexpr DType kTypes[] = {DType::kFloat32, DType::kFloat32, DType::kUint8,
                                     DType::kInt8,    DType::kInt64,   DType::kFloat16,
                                     DType::kFloat64, DType::kString};
  infer::Tensor tensor;
  tensor.type = kTypes[source.Byte() % std::size(kTypes)];
  tensor.shape = AnyShape(source);
  tensor.bytes.resize(static_cast<size_t>(infer::ElementCount(tensor.shape).value_or(0)) *
                      infer::DTypeSize(tensor.type));
  return tensor;
}

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckResults(const ModelFinder& finder, const image::Picture& picture, image::Size size) {
  if (finder.detects()) {
    const auto found = finder.Detect({}, picture);
    if (found.ok()) {
      for (const Detection& one : *found) {
        Check(0 <= one.x_min && one.x_min <= one.x_max && one.x_max < size.width);
        Check(0 <= one.y_min && one.y_min <= one.y_max && one.y_max < size.height);
        Check(one.confidence >= 0 && one.confidence <= 1);
      }
    }
  }
  if (finder.classifies()) {
    const auto found = finder.Classify({}, picture);
    if (!found.ok()) return;
    for (const Classification& one : *found) Check(one.confidence >= 0 && one.confidence <= 1);
  }
}

}  // namespace
}  // namespace bowerbird::vision

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::vision;  // NOLINT(google-build-using-namespace)
  namespace image = bowerbird::image;
  Source source(data, size);
  ModelFinderOptions options;
  options.decoder = static_cast<Decoder>(source.Byte() % 4);
  options.default_minimum_confidence = source.Byte() / 255.0;
  auto outputs = std::make_shared<FakeModel::Outputs>();
  std::vector<std::string> names;
  static constexpr const char* kNames[] = {"a", "b", "location", "score", "category"};
  for (int i = source.Byte() % 5; i > 0; --i) {
    names.push_back(kNames[source.Byte() % std::size(kNames)] + std::string(names.size(), '\''));
    outputs->push_back(AnyTensor(source));
  }
  FakeModel model(Info("image", bowerbird::infer::DType::kUint8, {1, 32, 32, 3}), names, outputs);
  const int labels = source.Byte() % 8;
  for (int i = 0; i < labels; ++i) model.mutable_metadata().labels.push_back(std::to_string(i));
  for (auto& output : model.mutable_metadata().outputs) {
    if (source.Byte() % 2 == 0) output.quantization = {source.Byte() / 64.0, source.Byte()};
  }
  // The values last, and others for the picture than for the probe.
  for (auto& tensor : *outputs) source.Fill(tensor.bytes);
  const auto finder = ModelFinder::Create({}, model, options);
  if (!finder.ok()) return 0;
  for (auto& tensor : *outputs) source.Fill(tensor.bytes);
  static const auto picture =
      *image::Picture::FromImage(image::Image(48, 20, image::PixelFormat::kRgb8), image::kMimePng);
  CheckResults(**finder, *picture, {48, 20});
  return 0;
}
