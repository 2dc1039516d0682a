// SPDX-License-Identifier: Apache-2.0
#include "infer/describe.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/status.h"
#include "infer/labels.h"
#include "tflite/zip.h"

namespace bowerbird::infer {
namespace {

constexpr size_t kMaxLabelBytes = size_t{1} << 20;

DType TypeOf(tflite::TensorType type) {
  switch (type) {
    case tflite::TensorType::kFloat32:
      return DType::kFloat32;
    case tflite::TensorType::kFloat16:
      return DType::kFloat16;
    case tflite::TensorType::kInt32:
      return DType::kInt32;
    case tflite::TensorType::kUint8:
      return DType::kUint8;
    case tflite::TensorType::kInt64:
      return DType::kInt64;
    case tflite::TensorType::kBool:
      return DType::kBool;
    case tflite::TensorType::kInt16:
      return DType::kInt16;
    case tflite::TensorType::kInt8:
      return DType::kInt8;
    case tflite::TensorType::kFloat64:
      return DType::kFloat64;
    case tflite::TensorType::kUint64:
      return DType::kUint64;
    case tflite::TensorType::kUint32:
      return DType::kUint32;
    case tflite::TensorType::kUint16:
      return DType::kUint16;
    case tflite::TensorType::kString:
      return DType::kString;
    default:
      return DType::kOther;
  }
}

AssociatedFile::LabelType LabelTypeOf(tflite::AssociatedFileType type) {
  switch (type) {
    case tflite::AssociatedFileType::kTensorAxisLabels:
      return AssociatedFile::LabelType::kTensorAxis;
    case tflite::AssociatedFileType::kTensorValueLabels:
      return AssociatedFile::LabelType::kTensorValue;
    default:
      return AssociatedFile::LabelType::kUnspecified;
  }
}

bool IsLabelFile(const tflite::AssociatedFile& file) {
  return LabelTypeOf(file.type) != AssociatedFile::LabelType::kUnspecified;
}

// Extents that the file calls unknown are -1, whatever they were in the trial run.
Shape CallerShape(const tflite::Tensor& tensor, Shape shape) {
  if (tensor.shape_signature.size() != shape.size()) return shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (tensor.shape_signature[i] < 0) shape[i] = -1;
  }
  return shape;
}

// Corner order for the wire: which of xmin, ymin, xmax, ymax stands at each index.
std::optional<std::vector<int>> BoxOrder(const tflite::TensorMetadata& metadata) {
  if (!metadata.boxes || metadata.boxes->form != tflite::BoundingBoxes::Form::kBoundaries) {
    return std::nullopt;
  }
  std::vector<int> order = {0, 1, 2, 3};
  const std::vector<uint32_t>& index = metadata.boxes->index;
  if (index.empty()) return order;
  if (index.size() != order.size() ||
      !std::is_permutation(index.begin(), index.end(), order.begin(),
                           [](uint32_t a, int b) { return a == static_cast<uint32_t>(b); })) {
    return std::nullopt;
  }
  order.assign(index.begin(), index.end());
  return order;
}

bool IsUsable(const tflite::TensorMetadata& metadata) {
  return !metadata.mean.empty() && metadata.mean.size() == metadata.std.size() &&
         std::ranges::find(metadata.std, 0.0F) == metadata.std.end();
}

void AddMetadata(const tflite::TensorMetadata& metadata, TensorInfo& info) {
  if (!metadata.name.empty()) info.name = metadata.name;
  info.description = metadata.description;
  for (const tflite::AssociatedFile& file : metadata.associated_files) {
    info.associated_files.push_back(
        {.name = file.name, .description = file.description, .label_type = LabelTypeOf(file.type)});
  }
  if (IsUsable(metadata)) {
    info.normalization = Normalization{.mean = metadata.mean, .std = metadata.std};
  }
  info.is_rgb = metadata.is_image && metadata.color_space == tflite::ColorSpace::kRgb;
  info.box_order = BoxOrder(metadata);
  constexpr uint32_t kNoSound = 1 << 20;  // more than any sample rate or number of channels
  if (metadata.audio && metadata.audio->sample_rate < kNoSound &&
      metadata.audio->channels < kNoSound) {
    info.audio_sample_rate_hz = static_cast<int>(metadata.audio->sample_rate);
    info.audio_channels = static_cast<int>(metadata.audio->channels);
  }
}

TensorInfo InfoOf(const tflite::Tensor& tensor, Shape shape) {
  TensorInfo info;
  info.name = info.graph_name = tensor.name;
  info.type = OuterType(TypeOf(tensor.type));
  info.shape = CallerShape(tensor, std::move(shape));
  if (tensor.quantization.scale.size() == 1) {
    info.quantization = {.scale = tensor.quantization.scale[0],
                         .zero_point = tensor.quantization.zero_point[0]};
  }
  return info;
}

// Callers address tensors by name: every name is there, once. A graph name never means another
// tensor than a metadata name does.
void MakeNamesUnique(std::vector<TensorInfo>& infos, const std::string& prefix) {
  std::set<std::string> taken;
  for (size_t i = 0; i < infos.size(); ++i) {
    std::string name = infos[i].name.empty() ? prefix + std::to_string(i) : infos[i].name;
    if (taken.contains(name) && !infos[i].graph_name.empty()) name = infos[i].graph_name;
    const std::string base = name;
    for (int n = 1; taken.contains(name); ++n) name = base + "_" + std::to_string(n);
    taken.insert(name);
    infos[i].name = name;
  }
  for (TensorInfo& info : infos) {
    if (info.graph_name.empty() ||
        (info.graph_name != info.name && taken.contains(info.graph_name))) {
      info.graph_name = info.name;
    } else {
      taken.insert(info.graph_name);
    }
  }
}

std::vector<TensorInfo> Infos(const tflite::Subgraph& subgraph, const std::vector<int32_t>& ends,
                              const std::vector<Shape>& shapes,
                              const std::vector<tflite::TensorMetadata>& metadata,
                              const std::string& prefix) {
  std::vector<TensorInfo> infos;
  for (size_t i = 0; i < ends.size(); ++i) {
    infos.push_back(InfoOf(subgraph.tensors[static_cast<size_t>(ends[i])], shapes[i]));
    // Entries go by position; a list of another length describes some other graph.
    if (metadata.size() == ends.size()) AddMetadata(metadata[i], infos.back());
  }
  MakeNamesUnique(infos, prefix);
  return infos;
}

// As the machine server that this is compatible with tells it, from the inputs' descriptions.
std::string TypeFrom(const std::vector<TensorInfo>& inputs) {
  for (const TensorInfo& input : inputs) {
    if (input.description.find("detect") != std::string::npos) return "tflite_detector";
    if (input.description.find("classif") != std::string::npos) return "tflite_classifier";
  }
  return "";
}

const tflite::AssociatedFile* LabelFile(const tflite::FileMetadata& metadata) {
  const tflite::AssociatedFile* localized = nullptr;
  for (const tflite::TensorMetadata& output : metadata.outputs) {
    for (const tflite::AssociatedFile& file : output.associated_files) {
      if (!IsLabelFile(file)) continue;
      if (file.locale.empty()) return &file;
      if (localized == nullptr) localized = &file;
    }
  }
  return localized;
}

}  // namespace

ModelMetadata Describe(const tflite::Graph& graph,
                       const std::optional<tflite::FileMetadata>& metadata,
                       const RuntimeShapes& shapes) {
  const tflite::FileMetadata& file = metadata ? *metadata : tflite::FileMetadata{};
  const tflite::Subgraph& subgraph = graph.subgraphs[0];
  ModelMetadata model;
  model.name = file.name;
  model.description = file.description;
  model.inputs = Infos(subgraph, subgraph.inputs, shapes.inputs, file.inputs, "input_");
  model.outputs = Infos(subgraph, subgraph.outputs, shapes.outputs, file.outputs, "output_");
  model.type = TypeFrom(model.inputs);
  return model;
}

absl::StatusOr<std::vector<std::string>> PackedLabels(std::span<const std::byte> file,
                                                      const tflite::FileMetadata& metadata) {
  const tflite::AssociatedFile* wanted = LabelFile(metadata);
  if (wanted == nullptr) return std::vector<std::string>();
  ASSIGN_OR_RETURN(const std::vector<tflite::ZipEntry> entries, tflite::ReadZipDirectory(file));
  for (const tflite::ZipEntry& entry : entries) {
    if (entry.name != wanted->name) continue;
    ASSIGN_OR_RETURN(const std::string text, tflite::ReadZipEntry(file, entry, kMaxLabelBytes));
    absl::StatusOr<std::vector<std::string>> labels = ParseLabels(text);
    return labels.ok() ? labels : Annotate(labels.status(), wanted->name + " in the model file");
  }
  return NotFound("the model's metadata names the label file '" + wanted->name +
                  "', which is not packed into it; give a label_path");
}

}  // namespace bowerbird::infer
