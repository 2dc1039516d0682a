// SPDX-License-Identifier: Apache-2.0
#include "tflite/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/status.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/schema/model_fb.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::tflite {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::vector<std::byte> Owned(const std::string& text) {
  return {Bytes(text).begin(), Bytes(text).end()};
}

// Everything that a file can say, somewhere.
Graph RichGraph() {
  Graph graph;
  graph.version = 3;
  graph.description = "rich";
  graph.buffers = {{}, {}};
  graph.operator_codes = {{.builtin = 3, .version = 5},
                          {.builtin = kCustomOperator, .custom = "Mine"},
                          {.builtin = 200, .version = 2}};
  Subgraph& main = graph.subgraphs.emplace_back();
  main.name = "main";
  main.debug_metadata_index = 4;
  Tensor x;
  x.name = "x";
  x.shape = {1, 4};
  x.shape_signature = {-1, 4};
  x.has_rank = true;
  main.tensors = {x, x, x, x};
  main.tensors[1].quantization = {.scale = {0.5F},
                                  .zero_point = {-3},
                                  .dimension = 1,
                                  .min = {-1},
                                  .max = {1},
                                  .details = Table::Of("CustomQuantization", {{"custom", "abc"}})};
  main.tensors[2].is_variable = true;
  main.tensors[2].variant_tensors = {Table::Of("VariantSubType", {{"type", 2}})};
  main.tensors[3].external_buffer = 9;
  Tensor weights = x;
  weights.name = "weights";
  weights.sparsity = Table::Of("SparsityParameters", {{"block_map", std::vector<int64_t>{1}}});
  const int32_t first = AddConstant(graph, 0, weights, Owned(std::string(16, 'w')));
  const int32_t second = AddConstant(graph, 0, x, Owned(std::string(16, 'w')));
  Operator conv;
  conv.inputs = {0, first, -1};
  conv.outputs = {1};
  conv.intermediates = {second};
  conv.options = Table::Of("Conv2DOptions", {{"stride_w", 1}, {"stride_h", 2}});
  conv.mutating_variable_inputs = {false, true, false};
  conv.debug_metadata_index = 6;
  Operator custom;
  custom.code = 1;
  custom.inputs = {1};
  custom.outputs = {2};
  custom.custom_options = graph.Keep(Owned("options of my own"));
  Operator newer;
  newer.code = 2;
  newer.inputs = {2};
  newer.outputs = {3};
  newer.options_2 =
      Table::Of("StablehloPadOptions", {{"edge_padding_low", std::vector<int64_t>{1}}});
  main.operators = {conv, custom, newer};
  main.inputs = {0};
  main.outputs = {3};
  graph.buffers.push_back({.data = graph.Keep(Owned("2.9.0"))});
  graph.metadata = {{.name = "min_runtime_version", .buffer = 4}};
  graph.metadata_buffers = {4};
  graph.signatures = {{.key = "serving_default",
                       .subgraph = 0,
                       .inputs = {{"image", 0}},
                       .outputs = {{"scores", 3}},
                       .old_tag = "tag",
                       .unknown = {}}};
  graph.external_groups = {"weights.bin"};
  graph.external_buffers = {
      {.id = 9, .group = 0, .offset = 64, .length = 16, .packing = "none", .unknown = {}}};
  return graph;
}

std::string WriteOrDie(const Graph& graph) {
  const absl::StatusOr<std::string> file = WriteModel(graph);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.value_or("");
}

Graph ReadOrDie(const std::string& file) {
  absl::StatusOr<Graph> graph = ReadGraph(Bytes(file));
  EXPECT_TRUE(graph.ok()) << graph.status();
  return graph.ok() ? *std::move(graph) : Graph();
}

void ExpectSameOperators(const Subgraph& a, const Subgraph& b) {
  ASSERT_EQ(a.operators.size(), b.operators.size());
  for (size_t i = 0; i < a.operators.size(); ++i) {
    const Operator& x = a.operators[i];
    const Operator& y = b.operators[i];
    EXPECT_EQ(x.code, y.code);
    EXPECT_EQ(x.inputs, y.inputs);
    EXPECT_EQ(x.outputs, y.outputs);
    EXPECT_EQ(x.intermediates, y.intermediates);
    EXPECT_EQ(x.options, y.options);
    EXPECT_EQ(x.options_2, y.options_2);
    EXPECT_TRUE(std::ranges::equal(x.custom_options, y.custom_options));
    EXPECT_EQ(x.mutating_variable_inputs, y.mutating_variable_inputs);
    EXPECT_EQ(x.debug_metadata_index, y.debug_metadata_index);
  }
}

void ExpectSameTensors(const Graph& a, const Graph& b, size_t subgraph) {
  const auto& first = a.subgraphs[subgraph].tensors;
  const auto& second = b.subgraphs[subgraph].tensors;
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    const Tensor& x = first[i];
    const Tensor& y = second[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.type, y.type);
    EXPECT_EQ(x.shape, y.shape);
    EXPECT_EQ(x.shape_signature, y.shape_signature);
    EXPECT_EQ(x.is_variable, y.is_variable);
    EXPECT_EQ(x.has_rank, y.has_rank);
    EXPECT_EQ(x.external_buffer, y.external_buffer);
    EXPECT_EQ(x.sparsity, y.sparsity);
    EXPECT_EQ(x.variant_tensors, y.variant_tensors);
    EXPECT_EQ(x.quantization.scale, y.quantization.scale);
    EXPECT_EQ(x.quantization.zero_point, y.quantization.zero_point);
    EXPECT_EQ(x.quantization.dimension, y.quantization.dimension);
    EXPECT_EQ(x.quantization.min, y.quantization.min);
    EXPECT_EQ(x.quantization.max, y.quantization.max);
    EXPECT_EQ(x.quantization.details, y.quantization.details);
    EXPECT_TRUE(std::ranges::equal(a.buffers[x.buffer].data, b.buffers[y.buffer].data)) << x.name;
  }
}

// All but the numbers of the buffers.
void ExpectSame(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.description, b.description);
  ASSERT_EQ(a.operator_codes.size(), b.operator_codes.size());
  for (size_t i = 0; i < a.operator_codes.size(); ++i) {
    EXPECT_EQ(a.operator_codes[i].Name(), b.operator_codes[i].Name());
    EXPECT_EQ(a.operator_codes[i].version, b.operator_codes[i].version);
  }
  ASSERT_EQ(a.subgraphs.size(), b.subgraphs.size());
  for (size_t i = 0; i < a.subgraphs.size(); ++i) {
    EXPECT_EQ(a.subgraphs[i].name, b.subgraphs[i].name);
    EXPECT_EQ(a.subgraphs[i].inputs, b.subgraphs[i].inputs);
    EXPECT_EQ(a.subgraphs[i].outputs, b.subgraphs[i].outputs);
    EXPECT_EQ(a.subgraphs[i].debug_metadata_index, b.subgraphs[i].debug_metadata_index);
    ExpectSameOperators(a.subgraphs[i], b.subgraphs[i]);
    ExpectSameTensors(a, b, i);
  }
  ASSERT_EQ(a.metadata.size(), b.metadata.size());
  for (const MetadataEntry& entry : a.metadata) {
    EXPECT_TRUE(std::ranges::equal(a.MetadataBuffer(entry.name), b.MetadataBuffer(entry.name)));
  }
}

TEST(WriteModel, LosesNothing) {
  const Graph graph = RichGraph();
  const std::string file = WriteOrDie(graph);
  const Graph read = ReadOrDie(file);
  ExpectSame(graph, read);
  ASSERT_THAT(read.signatures, SizeIs(1));
  EXPECT_EQ(read.signatures[0].key, "serving_default");
  EXPECT_EQ(read.signatures[0].old_tag, "tag");
  EXPECT_EQ(read.signatures[0].outputs.at(0).name, "scores");
  EXPECT_EQ(read.signatures[0].outputs.at(0).tensor, 3U);
  EXPECT_THAT(read.external_groups, ElementsAre("weights.bin"));
  ASSERT_THAT(read.external_buffers, SizeIs(1));
  EXPECT_EQ(read.external_buffers[0].length, 16U);
  EXPECT_EQ(read.external_buffers[0].packing, "none");
  EXPECT_THAT(read.metadata_buffers, SizeIs(1));
  EXPECT_EQ(WriteOrDie(read), file) << "written again, nothing changes";
}

TEST(WriteModel, WritesBothOperatorCodes) {
  const std::string file = WriteOrDie(RichGraph());
  const auto& codes = *schema::GetModel(file.data())->operator_codes();
  EXPECT_EQ(codes[0]->deprecated_builtin_code(), 3);
  EXPECT_EQ(static_cast<int>(codes[0]->builtin_code()), 3);
  EXPECT_EQ(codes[2]->deprecated_builtin_code(), 127);
  EXPECT_EQ(static_cast<int>(codes[2]->builtin_code()), 200);
}

TEST(WriteModel, StoresEqualConstantsOnceAndAligned) {
  const std::string file = WriteOrDie(RichGraph());
  const auto& buffers = *schema::GetModel(file.data())->buffers();
  ASSERT_EQ(buffers.size(), 3U) << "the empty one, the weights, the version";
  EXPECT_EQ(buffers[0]->data(), nullptr);
  const auto at = reinterpret_cast<const char*>(buffers[1]->data()->data()) - file.data();
  EXPECT_EQ(at % 16, 0);
}

TEST(WriteModel, RefusesWhatItDoesNotKnow) {
  Graph graph = RichGraph();
  graph.subgraphs[0].operators[0].unknown = "field 9 of Conv2DOptions";
  const absl::Status status = WriteModel(graph).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("operator 0 (CONV_2D) has field 9 of Conv2DOptions"));
}

TEST(WriteModel, RefusesTwoGigabytesBeforeItTriesThem) {
  Graph graph = RichGraph();
  // One byte of address space is enough to claim them: they are not read before the refusal.
  const auto* somewhere = reinterpret_cast<const std::byte*>(graph.description.data());
  graph.subgraphs[0].operators[1].custom_options = {somewhere, size_t{1} << 31};
  const absl::Status status = WriteModel(graph).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(status), HasSubstr("less than 2 GB"));
}

TEST(WriteModel, RefusesIndicesOutOfRange) {
  Graph graph = RichGraph();
  graph.subgraphs[0].tensors[0].buffer = 77;
  EXPECT_THAT(MessageOf(WriteModel(graph).status()), HasSubstr("buffer 77 of 5"));
}

TEST(WriteModel, MovesValuesFromBehindTheFlatBufferIntoIt) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<int32_t> shape = {4};
  const std::vector<int32_t> ends = {0};
  const auto build = [&](uint64_t offset) {
    builder.Clear();
    const std::vector<flatbuffers::Offset<schema::Buffer>> buffers = {
        schema::CreateBuffer(builder), schema::CreateBuffer(builder, 0, offset, 16)};
    const std::vector<flatbuffers::Offset<schema::Tensor>> tensors = {
        schema::CreateTensorDirect(builder, &shape, schema::TensorType::FLOAT32, 1, "w")};
    const std::vector<flatbuffers::Offset<schema::SubGraph>> subgraphs = {
        schema::CreateSubGraphDirect(builder, &tensors, nullptr, &ends)};
    schema::FinishModelBuffer(
        builder, schema::CreateModelDirect(builder, 3, nullptr, &subgraphs, nullptr, &buffers));
    return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                       builder.GetSize());
  };
  const size_t size = build(1000).size();
  const std::string file = build(size) + "sixteen bytes ok";
  const Graph graph = ReadOrDie(file);
  EXPECT_TRUE(graph.buffers[1].is_external);
  EXPECT_THAT(MessageOf(CheckGraph(graph)), HasSubstr("outside of the file's FlatBuffer"));
  const std::string written = WriteOrDie(graph);
  const Graph read = ReadOrDie(written);
  EXPECT_FALSE(read.buffers[1].is_external);
  EXPECT_TRUE(std::ranges::equal(read.buffers[1].data, Bytes("sixteen bytes ok")));
  EXPECT_THAT(MessageOf(ReadGraph(Bytes(build(size))).status()), HasSubstr("cut short"));
}

std::string Contents(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(WriteModel, KeepsEveryModelOfTheTestData) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no model files to read";
  int models = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path());
    const std::string original = Contents(entry.path());
    const Graph graph = ReadOrDie(original);
    const std::string file = WriteOrDie(graph);
    const Graph read = ReadOrDie(file);
    ExpectSame(graph, read);
    EXPECT_EQ(MessageOf(CheckGraph(graph)), MessageOf(CheckGraph(read)));
    EXPECT_EQ(WriteOrDie(read), file);
    EXPECT_LT(file.size(), original.size() + original.size() / 20 + 4096) << "not blown up";
    ++models;
  }
  EXPECT_GE(models, 20);
}

TEST(WriteModel, KeepsZeroPointsThatManyTensorsHaveOnce) {
  constexpr size_t kChannels = 1000;
  Graph graph;
  graph.version = 3;
  graph.buffers = {{}};
  Tensor tensor;
  tensor.shape = {kChannels};
  tensor.quantization = {.scale = std::vector<float>(kChannels, 1),
                         .zero_point = std::vector<int64_t>(kChannels, 0)};
  graph.subgraphs.emplace_back().tensors = {tensor};
  const size_t one = WriteOrDie(graph).size();
  graph.subgraphs[0].tensors = {tensor, tensor, tensor};
  graph.subgraphs[0].tensors[2].quantization.zero_point.back() = 1;
  const std::string three = WriteOrDie(graph);
  EXPECT_LT(three.size(), one + 2 * kChannels * sizeof(float) + kChannels * sizeof(int64_t) + 500);
  const Graph again = ReadOrDie(three);
  ExpectSameTensors(graph, again, 0);
}

}  // namespace
}  // namespace bowerbird::tflite
