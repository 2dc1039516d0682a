// SPDX-License-Identifier: Apache-2.0
#include "tflite/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/status.h"
#include "tflite/checks.h"
#include "tflite/footprint.h"
#include "tflite/operator_probe.h"
#include "tflite/schema/model_fb.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

testing::ModelSpec DenseModel() {
  return {.subgraphs = {{.tensors = {{.name = "x", .shape = {1, 2}, .shape_signature = {-1, 2}},
                                     {.name = "w",
                                      .type = TensorType::kInt8,
                                      .shape = {3, 2},
                                      .data = "abcdef",
                                      .scale = {0.5F, 0.25F, 2.0F},
                                      .zero_point = {0, 0, 0}},
                                     {.name = "y", .shape = {1, 3}, .shape_signature = {-1, 3}}},
                         .operators = {{.code = testing::kFullyConnected,
                                        .inputs = {0, 1, -1},
                                        .outputs = {2},
                                        .version = 3}},
                         .inputs = {0},
                         .outputs = {2}}}};
}

TEST(ReadGraph, GivesTensorsOperatorsAndBuffersOfTheFile) {
  const std::string file = testing::ModelFile(DenseModel());
  const absl::StatusOr<Graph> graph = ReadGraph(Bytes(file));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->description, "for a test");
  ASSERT_THAT(graph->subgraphs, SizeIs(1));
  const Subgraph& main = graph->subgraphs[0];
  EXPECT_THAT(main.inputs, ElementsAre(0));
  EXPECT_THAT(main.outputs, ElementsAre(2));
  ASSERT_THAT(main.tensors, SizeIs(3));
  EXPECT_EQ(main.tensors[0].name, "x");
  EXPECT_THAT(main.tensors[0].shape, ElementsAre(1, 2));
  EXPECT_THAT(main.tensors[0].shape_signature, ElementsAre(-1, 2));
  EXPECT_EQ(main.tensors[1].type, TensorType::kInt8);
  EXPECT_THAT(main.tensors[1].quantization.scale, ElementsAre(0.5F, 0.25F, 2.0F));
  EXPECT_EQ(main.tensors[1].quantization.dimension, 0);
  EXPECT_THAT(graph->buffers[main.tensors[1].buffer].data, SizeIs(6));
  ASSERT_THAT(main.operators, SizeIs(1));
  EXPECT_THAT(main.operators[0].inputs, ElementsAre(0, 1, -1));
  EXPECT_EQ(graph->operator_codes[main.operators[0].code].Name(), "FULLY_CONNECTED");
  EXPECT_EQ(graph->operator_codes[main.operators[0].code].version, 3);
  EXPECT_TRUE(CheckGraph(*graph).ok()) << CheckGraph(*graph);
}

TEST(ReadGraph, TakesTheLargerOfOldAndNewOperatorCode) {
  testing::ModelSpec spec = testing::AddModel();
  spec.subgraphs[0].operators[0].code = testing::kSign;  // does not fit the old byte
  const std::string file = testing::ModelFile(spec);
  EXPECT_EQ(ReadGraph(Bytes(file))->operator_codes[0].Name(), "SIGN");
}

TEST(ReadGraph, RefusesWhatIsNoModel) {
  EXPECT_THAT(MessageOf(ReadGraph({}).status()), HasSubstr("TFL3"));
  const std::string text = "This is a text file that somebody renamed to model.tflite.";
  EXPECT_THAT(MessageOf(ReadGraph(Bytes(text)).status()), HasSubstr("TFL3"));
  testing::ModelSpec old = testing::AddModel();
  old.version = 2;
  EXPECT_THAT(MessageOf(ReadGraph(Bytes(ModelFile(old))).status()), HasSubstr("schema version 2"));
}

TEST(ReadGraph, RefusesOrReadsEveryPrefixOfAFile) {
  const std::string file = testing::ModelFile(DenseModel());
  int accepted = 0;
  for (size_t size = 0; size < file.size(); ++size) {
    const std::string prefix = file.substr(0, size);
    const absl::StatusOr<Graph> graph = ReadGraph(Bytes(prefix));
    if (!graph.ok()) {
      EXPECT_EQ(graph.status().code(), absl::StatusCode::kInvalidArgument);
      continue;
    }
    ++accepted;
    CheckGraph(*graph).IgnoreError();
  }
  EXPECT_LT(accepted, 8) << "only padding may be missing from a file that still verifies";
}

TEST(ReadGraph, SurvivesRandomDamage) {
  std::mt19937 random(1);
  const std::string good = testing::ModelFile(DenseModel());
  for (int round = 0; round < 5000; ++round) {
    std::string file = good;
    for (int i = 0; i < 4; ++i) file[random() % file.size()] = static_cast<char>(random());
    const absl::StatusOr<Graph> graph = ReadGraph(Bytes(file));
    if (graph.ok() && CheckGraph(*graph).ok()) Measure(*graph);
  }
}

// The verifier checks where a vector starts, not where its 8-byte elements do.
TEST(ReadGraph, ReadsNumbersAtOddAddresses) {
  testing::ModelSpec spec = DenseModel();
  spec.subgraphs[0].tensors[1].zero_point = {2, 7, 9};
  std::string file = ModelFile(spec);
  const auto* quantization =
      schema::GetModel(file.data())->subgraphs()->Get(0)->tensors()->Get(1)->quantization();
  const uint8_t* field = reinterpret_cast<const flatbuffers::Table*>(quantization)
                             ->GetAddressOf(schema::QuantizationParameters::VT_ZERO_POINT);
  // The field now points to the vector's first element, as if that were the length.
  const auto at = static_cast<size_t>(reinterpret_cast<const char*>(field) - file.data());
  uint32_t offset = 0;
  std::memcpy(&offset, &file[at], sizeof(offset));
  offset += 4;
  std::memcpy(&file[at], &offset, sizeof(offset));
  const absl::StatusOr<Graph> graph = ReadGraph(Bytes(file));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(graph->subgraphs[0].tensors[1].quantization.zero_point,
              ElementsAre(int64_t{7} << 32, int64_t{9} << 32));
}

TEST(MetadataBuffer, IsEmptyWhereTheFileHasNone) {
  const std::string file = testing::ModelFile(testing::AddModel());
  EXPECT_THAT(ReadGraph(Bytes(file))->MetadataBuffer(kMetadataName), IsEmpty());
}

TEST(Measure, AddsConstantsAndFindsThePeakOfLiveTensors) {
  // x(16) -> a(16) -> b(16) -> y(16): two are alive at a time.
  const std::string file = testing::ModelFile(
      {.subgraphs = {{.tensors = {{.name = "x", .shape = {4}},
                                  {.name = "a", .shape = {4}},
                                  {.name = "b", .shape = {4}},
                                  {.name = "y", .shape = {4}},
                                  {.name = "c", .shape = {4}, .data = std::string(16, 'c')}},
                      .operators = {{.code = testing::kNeg, .inputs = {0}, .outputs = {1}},
                                    {.code = testing::kAdd, .inputs = {1, 4}, .outputs = {2}},
                                    {.code = testing::kNeg, .inputs = {2}, .outputs = {3}}},
                      .inputs = {0},
                      .outputs = {3}}}});
  const Footprint footprint = Measure(*ReadGraph(Bytes(file)));
  EXPECT_EQ(footprint.constant_bytes, 16U);
  EXPECT_EQ(footprint.peak_activation_bytes, 32U);
}

TEST(OperatorProbe, DeclaresTheBuiltInOperatorsAndNothingElse) {
  const std::vector<OperatorCode> codes = {{.builtin = testing::kAdd, .version = 2},
                                           {.builtin = kCustomOperator, .custom = "Mine"},
                                           {.builtin = testing::kSign, .version = 1}};
  const std::string file = OperatorProbe(codes);
  const absl::StatusOr<Graph> graph = ReadGraph(Bytes(file));
  ASSERT_TRUE(graph.ok()) << graph.status();
  ASSERT_THAT(graph->operator_codes, SizeIs(2));
  EXPECT_EQ(graph->operator_codes[0].Name(), "ADD");
  EXPECT_EQ(graph->operator_codes[0].version, 2);
  EXPECT_EQ(graph->operator_codes[1].Name(), "SIGN");
  EXPECT_TRUE(CheckGraph(*graph).ok()) << CheckGraph(*graph);
}

TEST(TypeNames, CoverNumbersThatTheSchemaLacks) {
  EXPECT_EQ(TensorTypeName(TensorType::kFloat16), "FLOAT16");
  EXPECT_EQ(TensorTypeName(static_cast<TensorType>(99)), "type 99");
  EXPECT_EQ(TensorTypeBits(TensorType::kInt4), 4U);
  EXPECT_EQ(TensorTypeBits(static_cast<TensorType>(99)), 0U);
  EXPECT_EQ(BuiltinOperatorName(3), "CONV_2D");
  EXPECT_EQ(BuiltinOperatorName(9999), "operator 9999");
}

}  // namespace
}  // namespace bowerbird::tflite
