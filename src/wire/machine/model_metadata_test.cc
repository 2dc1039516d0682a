// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/model_metadata.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::service::mlmodel::v1;
using infer::AssociatedFile;
using infer::DType;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

infer::ModelMetadata Detector() {
  infer::ModelMetadata metadata;
  metadata.name = "ssd";
  metadata.type = "tflite_detector";
  metadata.description = "finds things";
  infer::TensorInfo image;
  image.name = "image";
  image.graph_name = "serving_default_images:0";
  image.description = "the picture";
  image.type = DType::kUint8;
  image.shape = {1, -1, -1, 3};
  metadata.inputs.push_back(image);
  infer::TensorInfo location;
  location.name = "location";
  location.type = DType::kFloat32;
  location.shape = {1, 10, 4};
  location.box_order = std::vector<int>{1, 0, 3, 2};
  location.labels_path = "/models/labels.txt";
  location.associated_files = {{"labels.txt", "classes", AssociatedFile::LabelType::kTensorValue},
                               {"axis.txt", "", AssociatedFile::LabelType::kTensorAxis},
                               {"other", "", AssociatedFile::LabelType::kUnspecified}};
  metadata.outputs = {location, image};
  return metadata;
}

TEST(ModelMetadata, RoundTripsWhatTheWireCanSay) {
  proto::Metadata message;
  const auto metadata = Detector();
  WriteMetadata(metadata, message);
  const auto back = ReadMetadata(message);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->name, "ssd");
  EXPECT_EQ(back->type, "tflite_detector");
  EXPECT_EQ(back->description, "finds things");
  ASSERT_EQ(back->inputs.size(), 1u);
  EXPECT_EQ(back->inputs[0].name, "image");
  EXPECT_EQ(back->inputs[0].description, "the picture");
  EXPECT_EQ(back->inputs[0].type, DType::kUint8);
  EXPECT_EQ(back->inputs[0].shape, metadata.inputs[0].shape);
  ASSERT_EQ(back->outputs.size(), 2u);
  const auto& location = back->outputs[0];
  EXPECT_EQ(location.name, "location");
  EXPECT_EQ(location.box_order, metadata.outputs[0].box_order);
  EXPECT_EQ(location.labels_path, "/models/labels.txt");
  ASSERT_EQ(location.associated_files.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(location.associated_files[i].name, metadata.outputs[0].associated_files[i].name);
    EXPECT_EQ(location.associated_files[i].label_type,
              metadata.outputs[0].associated_files[i].label_type);
  }
  EXPECT_FALSE(back->outputs[1].box_order.has_value());
  EXPECT_EQ(back->outputs[1].labels_path, "");
}

TEST(ModelMetadata, BoxOrderTravelsAsAListOfNumbersAndLabelsAsAPath) {
  proto::Metadata message;
  WriteMetadata(Detector(), message);
  const auto& extra = message.output_info(0).extra().fields();
  EXPECT_EQ(extra.at("labels").string_value(), "/models/labels.txt");
  std::vector<double> order;
  for (const auto& value : extra.at("boxOrder").list_value().values())
    order.push_back(value.number_value());
  EXPECT_THAT(order, ElementsAre(1, 0, 3, 2));
}

TEST(ModelMetadata, ExtraIsThereEvenWhereItIsEmpty) {
  proto::Metadata message;
  WriteMetadata(Detector(), message);
  EXPECT_TRUE(message.input_info(0).has_extra());
  EXPECT_EQ(message.input_info(0).extra().fields_size(), 0);
}

TEST(ModelMetadata, TypesAreSpelledAsTheyTravel) {
  infer::ModelMetadata metadata;
  for (const DType type : {DType::kInt8, DType::kFloat32, DType::kFloat64, DType::kBool,
                           DType::kFloat16, DType::kUint64}) {
    infer::TensorInfo info;
    info.type = type;
    metadata.inputs.push_back(info);
  }
  proto::Metadata message;
  WriteMetadata(metadata, message);
  std::vector<std::string> names;
  for (const auto& info : message.input_info()) names.push_back(info.data_type());
  EXPECT_THAT(names, ElementsAre("int8", "float32", "float64", "uint8", "float32", "uint64"));
}

TEST(ModelMetadata, NamesThatAreNotUtf8DoNotSpoilTheMessage) {
  auto metadata = Detector();
  metadata.inputs[0].name = "caf\xE9";
  proto::Metadata message, parsed;
  WriteMetadata(metadata, message);
  EXPECT_EQ(message.input_info(0).name(), "caf\xEF\xBF\xBD");
  EXPECT_TRUE(parsed.ParseFromString(message.SerializeAsString()));
}

TEST(ModelMetadata, AnUnknownTypeIsNamed) {
  proto::Metadata message;
  auto& info = *message.add_output_info();
  info.set_name("scores");
  info.set_data_type("bfloat16");
  const auto back = ReadMetadata(message);
  EXPECT_EQ(back.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(back.status()), AllOf(HasSubstr("\"scores\""), HasSubstr("bfloat16")));
}

TEST(ModelMetadata, AFaultyBoxOrderIsRefused) {
  for (const std::vector<double>& order : {std::vector<double>{},
                                           {0, 1, 2},
                                           {0, 1, 2, 2},
                                           {0, 1, 2, 4},
                                           {0, 1, 2, 2.5},
                                           {0, 1, 2, 3, 0},
                                           {-1, 0, 1, 2}}) {
    proto::Metadata message;
    auto& info = *message.add_output_info();
    info.set_data_type("float32");
    auto& list = *(*info.mutable_extra()->mutable_fields())["boxOrder"].mutable_list_value();
    for (const double position : order) list.add_values()->set_number_value(position);
    EXPECT_EQ(ReadMetadata(message).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace bowerbird::wire
