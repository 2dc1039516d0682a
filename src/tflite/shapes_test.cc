// SPDX-License-Identifier: Apache-2.0
#include "tflite/shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/status.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/testing/model_file.h"
#include "tflite/work.h"

namespace bowerbird::tflite {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Makes graphs of single operators, by the codes of the format.
class Builder {
 public:
  Builder() {
    graph_.version = 3;
    graph_.buffers.emplace_back();
    graph_.subgraphs.emplace_back();
  }

  int32_t Input(Shape shape, TensorType type = TensorType::kFloat32) {
    Tensor tensor;
    tensor.shape = std::move(shape);
    tensor.type = type;
    main().inputs.push_back(AddTensor(main(), tensor));
    return main().inputs.back();
  }

  int32_t Numbers(const std::vector<int32_t>& values, Shape shape) {
    Tensor tensor;
    tensor.type = TensorType::kInt32;
    tensor.shape = std::move(shape);
    const auto bytes = std::as_bytes(std::span(values));
    return AddConstant(graph_, 0, tensor, {bytes.begin(), bytes.end()});
  }

  int32_t Numbers(const std::vector<int32_t>& values) {
    return Numbers(values, {static_cast<int32_t>(values.size())});
  }

  int32_t Weights(Shape shape) {
    Tensor tensor;
    tensor.type = TensorType::kInt8;
    size_t size = 1;
    for (const int32_t extent : shape) size *= static_cast<size_t>(extent);
    tensor.shape = std::move(shape);
    return AddConstant(graph_, 0, tensor, std::vector<std::byte>(size));
  }

  // The first of `outputs` outputs.
  int32_t Add(int32_t code, std::vector<int32_t> inputs, Table options = Table(),
              int32_t outputs = 1, TensorType type = TensorType::kFloat32) {
    Operator op;
    op.code = FindOrAddOperatorCode(graph_, {.builtin = code});
    op.inputs = std::move(inputs);
    op.options = std::move(options);
    for (int32_t i = 0; i < outputs; ++i) {
      Tensor tensor;
      tensor.type = type;
      op.outputs.push_back(AddTensor(main(), tensor));
    }
    main().outputs = op.outputs;
    main().operators.push_back(op);
    return op.outputs.front();
  }

  Shape ShapeOf(int32_t tensor) const {
    EXPECT_TRUE(CheckGraph(graph_).ok()) << CheckGraph(graph_);
    const auto shapes = InferShapes(graph_);
    EXPECT_TRUE(shapes.ok()) << shapes.status();
    if (!shapes.ok()) return {-99};
    EXPECT_EQ(shapes->unknown, "");
    return shapes->tensors[static_cast<size_t>(tensor)].value_or(Shape{-98});
  }

  uint64_t WorkOfLast() const { return MultiplyAdds(graph_, 0, *InferShapes(graph_)).back(); }

  Subgraph& main() { return graph_.subgraphs[0]; }
  Graph& graph() { return graph_; }

 private:
  Graph graph_;
};

Table Window(std::string_view name, int64_t stride, int64_t padding) {
  return Table::Of(name, {{"padding", padding}, {"stride_w", stride}, {"stride_h", stride}});
}

TEST(InferShapes, OfConvolutionsFollowsPaddingStrideAndDilation) {
  Builder b;
  const int32_t x = b.Input({1, 224, 225, 3});
  const int32_t same = b.Add(3, {x, b.Weights({8, 3, 3, 3}), -1}, Window("Conv2DOptions", 2, 0));
  EXPECT_THAT(b.ShapeOf(same), ElementsAre(1, 112, 113, 8));
  EXPECT_EQ(b.WorkOfLast(), 112U * 113 * 8 * 27);
  Table dilated = Window("Conv2DOptions", 1, 1);
  ASSERT_TRUE(dilated.Set("dilation_h_factor", 2).ok());
  const int32_t valid = b.Add(3, {x, b.Weights({4, 3, 3, 3}), -1}, dilated);
  EXPECT_THAT(b.ShapeOf(valid), ElementsAre(1, 220, 223, 4));
  const int32_t depth =
      b.Add(4, {x, b.Weights({1, 5, 5, 6}), -1}, Window("DepthwiseConv2DOptions", 2, 1));
  EXPECT_THAT(b.ShapeOf(depth), ElementsAre(1, 110, 111, 6));
  EXPECT_EQ(b.WorkOfLast(), 110U * 111 * 6 * 25);
}

TEST(InferShapes, OfPoolingResizingAndBlocks) {
  Builder b;
  const int32_t x = b.Input({2, 8, 6, 4});
  Table pool = Window("Pool2DOptions", 2, 1);
  ASSERT_TRUE(pool.Set("filter_width", 3).ok() && pool.Set("filter_height", 2).ok());
  EXPECT_THAT(b.ShapeOf(b.Add(17, {x}, pool)), ElementsAre(2, 4, 2, 4));
  EXPECT_THAT(b.ShapeOf(b.Add(23, {x, b.Numbers({5, 7})})), ElementsAre(2, 5, 7, 4));
  const Table two = Table::Of("SpaceToDepthOptions", {{"block_size", 2}});
  EXPECT_THAT(b.ShapeOf(b.Add(26, {x}, two)), ElementsAre(2, 4, 3, 16));
  EXPECT_THAT(b.ShapeOf(b.Add(5, {x}, Table::Of("DepthToSpaceOptions", {{"block_size", 2}}))),
              ElementsAre(2, 16, 12, 1));
  const int32_t blocks = b.Add(38, {x, b.Numbers({2, 2}), b.Numbers({0, 0, 1, 1}, {2, 2})});
  EXPECT_THAT(b.ShapeOf(blocks), ElementsAre(8, 4, 4, 4));
  EXPECT_THAT(b.ShapeOf(b.Add(37, {blocks, b.Numbers({2, 2}), b.Numbers({0, 0, 1, 1}, {2, 2})})),
              ElementsAre(2, 8, 6, 4));
}

TEST(InferShapes, StretchesElementwiseInputsToFit) {
  Builder b;
  const int32_t x = b.Input({2, 1, 4});
  EXPECT_THAT(b.ShapeOf(b.Add(0, {x, b.Input({3, 1})})), ElementsAre(2, 3, 4));
  EXPECT_THAT(b.ShapeOf(b.Add(14, {x})), ElementsAre(2, 1, 4));
  b.Add(18, {x, b.Input({3})});
  EXPECT_THAT(MessageOf(InferShapes(b.graph()).status()),
              HasSubstr("(MUL) of [2, 1, 4], [3]: the shapes do not fit each other"));
}

TEST(InferShapes, OfLayoutOperators) {
  Builder b;
  const int32_t x = b.Input({2, 3, 4});
  EXPECT_THAT(b.ShapeOf(b.Add(22, {x, b.Numbers({-1, 6})})), ElementsAre(4, 6));
  const Table one = Table::Of("ConcatenationOptions", {{"axis", -1}});
  EXPECT_THAT(b.ShapeOf(b.Add(2, {x, x}, one)), ElementsAre(2, 3, 8));
  EXPECT_THAT(b.ShapeOf(b.Add(49, {b.Numbers({2}, {}), x}, Table(), 2)), ElementsAre(2, 3, 2));
  EXPECT_THAT(b.ShapeOf(b.Add(39, {x, b.Numbers({2, 0, 1})})), ElementsAre(4, 2, 3));
  EXPECT_THAT(b.ShapeOf(b.Add(34, {x, b.Numbers({0, 0, 1, 2, 0, 5}, {3, 2})})),
              ElementsAre(2, 6, 9));
  EXPECT_THAT(b.ShapeOf(b.Add(83, {x, x, x}, Table::Of("PackOptions", {{"axis", 1}}))),
              ElementsAre(2, 3, 3, 4));
  EXPECT_THAT(b.ShapeOf(b.Add(88, {x}, Table::Of("UnpackOptions", {{"axis", 1}}), 3)),
              ElementsAre(2, 4));
  const int32_t wide = b.Add(70, {x, b.Numbers({-1}, {})});
  EXPECT_THAT(b.ShapeOf(wide), ElementsAre(2, 3, 4, 1));
  EXPECT_THAT(b.ShapeOf(b.Add(43, {wide})), ElementsAre(2, 3, 4));
  EXPECT_THAT(b.ShapeOf(b.Add(69, {x, b.Numbers({1, 2, 3})})), ElementsAre(2, 6, 12));
}

TEST(InferShapes, OfSlicesAndGathers) {
  Builder b;
  const int32_t x = b.Input({5, 6, 7});
  EXPECT_THAT(b.ShapeOf(b.Add(65, {x, b.Numbers({1, 0, 2}), b.Numbers({2, -1, 3})})),
              ElementsAre(2, 6, 3));
  Table masks = Table::Of("StridedSliceOptions", {{"begin_mask", 1}, {"shrink_axis_mask", 2}});
  const int32_t slice =
      b.Add(45, {x, b.Numbers({9, -1, 6}), b.Numbers({4, 0, 0}), b.Numbers({2, 1, -2})}, masks);
  EXPECT_THAT(b.ShapeOf(slice), ElementsAre(2, 3));
  masks = Table::Of("StridedSliceOptions", {{"ellipsis_mask", 1}, {"new_axis_mask", 2}});
  const int32_t last =
      b.Add(45, {x, b.Numbers({0, 0, 1}), b.Numbers({0, 0, 4}), b.Numbers({1, 1, 1})}, masks);
  EXPECT_THAT(b.ShapeOf(last), ElementsAre(5, 6, 1, 3));
  EXPECT_THAT(b.ShapeOf(b.Add(36, {x, b.Numbers({0, 1, 2, 3}, {2, 2})},
                              Table::Of("GatherOptions", {{"axis", 1}}))),
              ElementsAre(5, 2, 2, 7));
}

TEST(InferShapes, OfLayersProductsAndReductions) {
  Builder b;
  const int32_t x = b.Input({2, 3, 8});
  const Table keep = Table::Of("FullyConnectedOptions", {{"keep_num_dims", 1}});
  EXPECT_THAT(b.ShapeOf(b.Add(9, {x, b.Weights({5, 8}), -1})), ElementsAre(6, 5));
  EXPECT_EQ(b.WorkOfLast(), 6U * 5 * 8);
  EXPECT_THAT(b.ShapeOf(b.Add(9, {x, b.Weights({5, 8}), -1}, keep)), ElementsAre(2, 3, 5));
  const Table adjoint = Table::Of("BatchMatMulOptions", {{"adj_y", 1}});
  EXPECT_THAT(b.ShapeOf(b.Add(126, {x, x}, adjoint)), ElementsAre(2, 3, 3));
  EXPECT_EQ(b.WorkOfLast(), 2U * 3 * 3 * 8);
  EXPECT_THAT(b.ShapeOf(b.Add(40, {x, b.Numbers({-1, 0})})), ElementsAre(3));
  const Table kept = Table::Of("ReducerOptions", {{"keep_dims", 1}});
  EXPECT_THAT(b.ShapeOf(b.Add(40, {x, b.Numbers({1})}, kept)), ElementsAre(2, 1, 8));
  EXPECT_THAT(b.ShapeOf(b.Add(56, {x, b.Numbers({2}, {})})), ElementsAre(2, 3));
}

// RESHAPE(x, PACK(SHAPE(x)[0], 12)): how converters flatten with an open batch.
TEST(InferShapes, FollowsShapesThatTheGraphComputes) {
  Builder b;
  const int32_t x = b.Input({2, 3, 4});
  const auto whole = TensorType::kInt32;
  const int32_t shape = b.Add(77, {x}, Table(), 1, whole);
  const int32_t batch =
      b.Add(45, {shape, b.Numbers({0}), b.Numbers({1}), b.Numbers({1})},
            Table::Of("StridedSliceOptions", {{"shrink_axis_mask", 1}}), 1, whole);
  const int32_t target = b.Add(83, {batch, b.Numbers({12}, {})}, Table(), 1, whole);
  const int32_t flat = b.Add(22, {x, target});
  EXPECT_THAT(b.ShapeOf(flat), ElementsAre(2, 12));
  const std::vector<Shape> five = {{5, 3, 4}};
  ASSERT_TRUE(Reshape(b.graph(), five).ok());
  EXPECT_THAT(b.main().tensors[static_cast<size_t>(flat)].shape, ElementsAre(5, 12));
}

TEST(InferShapes, SaysWhichOperatorItDoesNotKnow) {
  Builder b;
  const int32_t where = b.Add(109, {b.Input({4})});
  const int32_t after = b.Add(14, {where});
  const auto shapes = InferShapes(b.graph());
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_THAT(shapes->unknown, HasSubstr("operator 0 (WHERE)"));
  EXPECT_FALSE(shapes->tensors[static_cast<size_t>(after)].has_value());
  const std::vector<Shape> other = {{5}};
  EXPECT_EQ(Reshape(b.graph(), other).code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(b.main().tensors[0].shape, ElementsAre(4)) << "as it was";
}

TEST(InferShapes, RefusesShapesThatDoNotFitTheModel) {
  Builder b;
  b.Add(22, {b.Input({2, 6}), b.Numbers({12})});
  const std::vector<Shape> other = {{2, 7}};
  EXPECT_THAT(MessageOf(Reshape(b.graph(), other)), HasSubstr("14 elements"));
  const std::vector<Shape> negative = {{-1, 7}};
  EXPECT_FALSE(InferShapes(b.graph(), 0, negative).ok());
  EXPECT_FALSE(InferShapes(b.graph(), 0, std::vector<Shape>()).ok());
}

std::string Contents(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(InferShapes, AgreesWithTheShapesInEveryModelOfTheTestData) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no model files to read";
  int models = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path());
    const std::string file = Contents(entry.path());
    const absl::StatusOr<Graph> graph = ReadGraph(std::as_bytes(std::span(file)));
    ASSERT_TRUE(graph.ok()) << graph.status();
    if (!CheckGraph(*graph).ok()) continue;
    const auto shapes = InferShapes(*graph);
    ASSERT_TRUE(shapes.ok()) << shapes.status();
    if (entry.path().filename().string().starts_with("audio_preprocessor_")) {
      EXPECT_THAT(shapes->unknown, HasSubstr("Signal"));
    } else {
      EXPECT_THAT(shapes->unknown, IsEmpty());
      EXPECT_GT(TotalMultiplyAdds(*graph), 0U);
    }
    const Subgraph& main = graph->subgraphs[0];
    for (size_t i = 0; i < main.tensors.size(); ++i) {
      // Converters leave the shapes of a custom operator's outputs out.
      const bool is_stated = !main.tensors[i].shape.empty();
      if (!shapes->tensors[i] || !is_stated) continue;
      EXPECT_EQ(*shapes->tensors[i], main.tensors[i].shape) << i << " " << main.tensors[i].name;
    }
    ++models;
  }
  EXPECT_GE(models, 20);
}

}  // namespace
}  // namespace bowerbird::tflite
