// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/model_metadata.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::service::mlmodel::v1;
using google::protobuf::Struct;
using infer::AssociatedFile;

constexpr char kLabels[] = "labels";
constexpr char kBoxOrder[] = "boxOrder";

proto::LabelType ToProto(AssociatedFile::LabelType type) {
  switch (type) {
    case AssociatedFile::LabelType::kTensorValue:
      return proto::LABEL_TYPE_TENSOR_VALUE;
    case AssociatedFile::LabelType::kTensorAxis:
      return proto::LABEL_TYPE_TENSOR_AXIS;
    case AssociatedFile::LabelType::kUnspecified:
      break;
  }
  return proto::LABEL_TYPE_UNSPECIFIED;
}

AssociatedFile::LabelType FromProto(proto::LabelType type) {
  switch (type) {
    case proto::LABEL_TYPE_TENSOR_VALUE:
      return AssociatedFile::LabelType::kTensorValue;
    case proto::LABEL_TYPE_TENSOR_AXIS:
      return AssociatedFile::LabelType::kTensorAxis;
    default:
      return AssociatedFile::LabelType::kUnspecified;
  }
}

void WriteExtra(const infer::TensorInfo& info, Struct& extra) {
  auto& fields = *extra.mutable_fields();
  if (!info.labels_path.empty()) fields[kLabels].set_string_value(Utf8(info.labels_path));
  if (info.box_order.has_value()) {
    auto& list = *fields[kBoxOrder].mutable_list_value();
    for (const int position : *info.box_order) list.add_values()->set_number_value(position);
  }
}

void WriteTensorInfo(const infer::TensorInfo& info, proto::TensorInfo& message) {
  message.set_name(Utf8(info.name));
  message.set_description(Utf8(info.description));
  message.set_data_type(std::string(infer::DTypeName(info.type)));
  for (const int64_t extent : info.shape)
    message.add_shape(static_cast<int32_t>(std::clamp<int64_t>(extent, -1, INT32_MAX)));
  for (const AssociatedFile& file : info.associated_files) {
    proto::File& out = *message.add_associated_files();
    out.set_name(Utf8(file.name));
    out.set_description(Utf8(file.description));
    out.set_label_type(ToProto(file.label_type));
  }
  WriteExtra(info, *message.mutable_extra());  // set even if empty: some clients read it unasked
}

// A permutation of 0..3.
absl::StatusOr<std::vector<int>> ReadBoxOrder(const google::protobuf::Value& value) {
  std::vector<int> order;
  for (const auto& item : value.list_value().values()) {
    const double position = item.number_value();
    // Also false for NaN, and for the first absent or repeated position.
    const bool fits = position >= 0 && position <= 3 && std::trunc(position) == position;
    if (fits) order.push_back(static_cast<int>(position));
  }
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (value.list_value().values_size() != 4 || sorted != std::vector<int>{0, 1, 2, 3})
    return InvalidArgument("boxOrder must be a list of the numbers 0, 1, 2, 3 in some order");
  return order;
}

absl::Status ReadExtra(const Struct& extra, infer::TensorInfo& info) {
  const auto& fields = extra.fields();
  if (const auto labels = fields.find(kLabels); labels != fields.end())
    info.labels_path = labels->second.string_value();
  const auto order = fields.find(kBoxOrder);
  if (order == fields.end()) return absl::OkStatus();
  ASSIGN_OR_RETURN(info.box_order, ReadBoxOrder(order->second));
  return absl::OkStatus();
}

absl::StatusOr<infer::TensorInfo> ReadTensorInfo(const proto::TensorInfo& message) {
  infer::TensorInfo info;
  info.name = message.name();
  info.graph_name = message.name();
  info.description = message.description();
  const auto type = infer::DTypeFromName(message.data_type());
  if (!type.has_value())
    return InvalidArgument("data_type \"" + message.data_type() +
                           "\" is none of int8, uint8, ... uint64, float32, float64");
  info.type = *type;
  info.shape.assign(message.shape().begin(), message.shape().end());
  for (const proto::File& file : message.associated_files())
    info.associated_files.push_back(
        {file.name(), file.description(), FromProto(file.label_type())});
  RETURN_IF_ERROR(ReadExtra(message.extra(), info));
  return info;
}

absl::Status ReadTensorInfos(const google::protobuf::RepeatedPtrField<proto::TensorInfo>& messages,
                             std::vector<infer::TensorInfo>& infos) {
  for (const proto::TensorInfo& message : messages) {
    auto info = ReadTensorInfo(message);
    if (!info.ok()) return Annotate(info.status(), "tensor \"" + message.name() + "\"");
    infos.push_back(*std::move(info));
  }
  return absl::OkStatus();
}

}  // namespace

void WriteMetadata(const infer::ModelMetadata& metadata, proto::Metadata& message) {
  message.Clear();
  message.set_name(Utf8(metadata.name));
  message.set_type(Utf8(metadata.type));
  message.set_description(Utf8(metadata.description));
  for (const auto& info : metadata.inputs) WriteTensorInfo(info, *message.add_input_info());
  for (const auto& info : metadata.outputs) WriteTensorInfo(info, *message.add_output_info());
}

absl::StatusOr<infer::ModelMetadata> ReadMetadata(const proto::Metadata& message) {
  infer::ModelMetadata metadata;
  metadata.name = message.name();
  metadata.type = message.type();
  metadata.description = message.description();
  RETURN_IF_ERROR(ReadTensorInfos(message.input_info(), metadata.inputs));
  RETURN_IF_ERROR(ReadTensorInfos(message.output_info(), metadata.outputs));
  return metadata;
}

}  // namespace bowerbird::wire
