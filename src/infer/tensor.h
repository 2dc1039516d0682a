// SPDX-License-Identifier: Apache-2.0
//
// Named, typed, shaped memory: what models take and give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bowerbird::infer {

enum class DType {
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat32,
  kFloat64,
  kBool,
  kString,
  kFloat16,
  kOther
};

// "int8" ... "float64": the names of the wire. kBool travels as uint8, kFloat16 as float32.
std::string_view DTypeName(DType type);
std::optional<DType> DTypeFromName(std::string_view name);
// 0 for kString and kOther.
size_t DTypeSize(DType type);

using Shape = std::vector<int64_t>;  // -1 = unknown until a call

// Product of the extents; nullopt if one is negative or the product overflows.
std::optional<int64_t> ElementCount(const Shape& shape);
// "[1, 224, 224, 3]"
std::string ShapeText(const Shape& shape);
// "[1, 4], [2]"
std::string ShapesText(const std::vector<Shape>& shapes);

// Borrowed memory; valid as long as what it came from says.
struct TensorView {
  DType type = DType::kFloat32;
  std::span<const int64_t> shape;
  std::span<const std::byte> bytes;

  // Elements as T. The caller has checked `type`.
  template <typename T>
  std::span<const T> As() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
};

// Owned memory, aligned for every type.
struct Tensor {
  DType type = DType::kFloat32;
  Shape shape;
  std::vector<std::byte> bytes;

  TensorView view() const { return {type, shape, bytes}; }
};

using NamedTensors = std::map<std::string, Tensor>;
using NamedViews = std::map<std::string, TensorView>;

// real = (stored - zero_point) * scale. Per-tensor only; per-channel quantisation never reaches an
// output.
struct Quantization {
  double scale = 0;  // 0: not quantised
  int64_t zero_point = 0;
};

struct AssociatedFile {
  enum class LabelType { kUnspecified, kTensorValue, kTensorAxis };
  std::string name;
  std::string description;
  LabelType label_type = LabelType::kUnspecified;
};

// value = (channel - mean[c]) / std[c], channels 0..255: as TFLite metadata states it.
struct Normalization {
  std::vector<float> mean;
  std::vector<float> std;
};

struct TensorInfo {
  std::string name;        // what callers use; from metadata where the file has it
  std::string graph_name;  // the name in the graph; accepted as well
  std::string description;
  DType type = DType::kFloat32;
  Shape shape;
  Quantization quantization;
  std::vector<AssociatedFile> associated_files;
  std::optional<Normalization> normalization;
  // Of sound, as the metadata says; 0: it does not.
  int audio_sample_rate_hz = 0;
  int audio_channels = 0;
  bool is_rgb = false;  // metadata says that the channels of the picture are red, green, blue
  // Position of ymin, xmin ... as the wire's boxOrder: order[i] says which of 0=xmin 1=ymin 2=xmax
  // 3=ymax stands at index i. Only for box tensors whose metadata says so.
  std::optional<std::vector<int>> box_order;
  std::string labels_path;  // a label file on disk (the wire's extra.labels), may be empty
};

// Which form a model's metadata and weights have, in the order in which callers see the tensors.
struct ModelMetadata {
  std::string name;
  std::string type;  // "tflite_classifier", "tflite_detector", or ""
  std::string description;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  std::vector<std::string> labels;  // packed into the file, or from label_path; may be empty
};

}  // namespace bowerbird::infer
