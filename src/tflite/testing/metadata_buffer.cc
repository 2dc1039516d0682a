// SPDX-License-Identifier: Apache-2.0
#include "tflite/schema/metadata_fb.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::tflite::testing {
namespace {

namespace schema = metadata_schema;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

Offset<schema::Content> WriteContent(FlatBufferBuilder& builder, const TensorMetadata& tensor) {
  if (tensor.boxes) {
    const auto boxes = schema::CreateBoundingBoxProperties(
        builder, builder.CreateVector(tensor.boxes->index),
        static_cast<schema::BoundingBoxType>(tensor.boxes->form),
        tensor.boxes->in_pixels ? schema::CoordinateType::PIXEL : schema::CoordinateType::RATIO);
    return schema::CreateContent(builder, schema::ContentProperties::BoundingBoxProperties,
                                 boxes.Union());
  }
  if (tensor.is_image) {
    const auto image = schema::CreateImageProperties(builder, schema::ColorSpaceType::RGB);
    return schema::CreateContent(builder, schema::ContentProperties::ImageProperties,
                                 image.Union());
  }
  return 0;
}

Offset<schema::TensorMetadata> WriteTensor(FlatBufferBuilder& builder,
                                           const TensorMetadata& tensor) {
  std::vector<Offset<schema::ProcessUnit>> units;
  if (!tensor.mean.empty()) {
    const auto options = schema::CreateNormalizationOptions(
        builder, builder.CreateVector(tensor.mean), builder.CreateVector(tensor.std));
    units.push_back(schema::CreateProcessUnit(
        builder, schema::ProcessUnitOptions::NormalizationOptions, options.Union()));
  }
  std::vector<Offset<schema::AssociatedFile>> files;
  for (const AssociatedFile& file : tensor.associated_files) {
    files.push_back(
        schema::CreateAssociatedFileDirect(builder, file.name.c_str(), file.description.c_str(),
                                           static_cast<schema::AssociatedFileType>(file.type),
                                           file.locale.empty() ? nullptr : file.locale.c_str()));
  }
  const auto content = WriteContent(builder, tensor);
  const auto stats = schema::CreateStatsDirect(builder, &tensor.max, &tensor.min);
  return schema::CreateTensorMetadataDirect(builder, tensor.name.c_str(),
                                            tensor.description.c_str(), nullptr, content, &units,
                                            stats, &files);
}

}  // namespace

std::string MetadataBuffer(const FileMetadata& metadata) {
  FlatBufferBuilder builder;
  std::vector<Offset<schema::TensorMetadata>> inputs;
  std::vector<Offset<schema::TensorMetadata>> outputs;
  for (const TensorMetadata& tensor : metadata.inputs) {
    inputs.push_back(WriteTensor(builder, tensor));
  }
  for (const TensorMetadata& tensor : metadata.outputs) {
    outputs.push_back(WriteTensor(builder, tensor));
  }
  const std::vector<Offset<schema::SubGraphMetadata>> subgraphs = {
      schema::CreateSubGraphMetadataDirect(builder, nullptr, nullptr, &inputs, &outputs)};
  const auto root = schema::CreateModelMetadataDirect(
      builder, metadata.name.c_str(), metadata.description.c_str(), metadata.version.c_str(),
      &subgraphs, metadata.author.c_str(), metadata.license.c_str());
  schema::FinishModelMetadataBuffer(builder, root);
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

}  // namespace bowerbird::tflite::testing
