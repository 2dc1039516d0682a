// SPDX-License-Identifier: Apache-2.0
#include "tflite/testing/seed_graphs.h"

#include <string>
#include <utility>

#include "tflite/edit.h"
#include "tflite/shapes.h"

namespace bowerbird::tflite::testing {
namespace {

// One graph under construction; tensors get the shapes that follow from its operators.
class Builder {
 public:
  Builder() {
    graph_.version = 3;
    graph_.buffers.emplace_back();
    graph_.subgraphs.emplace_back().name = "main";
  }

  int32_t Input(const Shape& shape) {
    graph_.subgraphs[0].inputs.push_back(AddTensor(graph_.subgraphs[0], Named("x", shape)));
    return graph_.subgraphs[0].inputs.back();
  }

  int32_t Numbers(const std::vector<int32_t>& values, Shape shape) {
    Tensor tensor = Named("numbers", std::move(shape));
    tensor.type = TensorType::kInt32;
    const auto bytes = std::as_bytes(std::span(values));
    return AddConstant(graph_, 0, tensor, {bytes.begin(), bytes.end()});
  }

  int32_t Numbers(const std::vector<int32_t>& values) {
    return Numbers(values, {static_cast<int32_t>(values.size())});
  }

  int32_t Weights(const Shape& shape) {
    Tensor tensor = Named("weights", shape);
    tensor.type = TensorType::kInt8;
    tensor.quantization.scale = {0.5F};
    tensor.quantization.zero_point = {0};
    size_t size = 1;
    for (const int32_t extent : shape) size *= static_cast<size_t>(extent);
    return AddConstant(graph_, 0, tensor, std::vector<std::byte>(size, std::byte{3}));
  }

  int32_t Add(int32_t code, std::vector<int32_t> inputs, Table options = Table(), int outputs = 1) {
    Operator op;
    op.code = FindOrAddOperatorCode(graph_, {.builtin = code});
    op.inputs = std::move(inputs);
    op.options = std::move(options);
    for (int i = 0; i < outputs; ++i) {
      op.outputs.push_back(AddTensor(graph_.subgraphs[0], Named("t", {})));
    }
    graph_.subgraphs[0].operators.push_back(op);
    return op.outputs.front();
  }

  Graph Finish(int32_t output) {
    graph_.subgraphs[0].outputs = {output};
    if (const auto shapes = InferShapes(graph_); shapes.ok()) {
      for (size_t i = 0; i < shapes->tensors.size(); ++i) {
        if (shapes->tensors[i]) graph_.subgraphs[0].tensors[i].shape = *shapes->tensors[i];
      }
    }
    return std::move(graph_);
  }

 private:
  static Tensor Named(const std::string& name, Shape shape) {
    Tensor tensor;
    tensor.name = name;
    tensor.shape = std::move(shape);
    return tensor;
  }

  Graph graph_;
};

Graph Picture() {
  Builder b;
  const int32_t x = b.Input({1, 8, 8, 4});
  const int32_t conv = b.Add(3, {x, b.Weights({8, 3, 3, 4}), -1},
                             Table::Of("Conv2DOptions", {{"padding", 0},
                                                         {"stride_w", 2},
                                                         {"stride_h", 2},
                                                         {"dilation_w_factor", 1},
                                                         {"dilation_h_factor", 1}}));
  const int32_t depth = b.Add(
      4, {conv, b.Weights({1, 3, 3, 8}), -1},
      Table::Of("DepthwiseConv2DOptions", {{"padding", 0}, {"stride_w", 1}, {"stride_h", 1}}));
  const int32_t large = b.Add(23, {depth, b.Numbers({8, 8})}, Table("ResizeBilinearOptions"));
  const int32_t pool = b.Add(1, {large},
                             Table::Of("Pool2DOptions", {{"padding", 1},
                                                         {"stride_w", 2},
                                                         {"stride_h", 2},
                                                         {"filter_width", 2},
                                                         {"filter_height", 2}}));
  const int32_t blocks = b.Add(26, {pool}, Table::Of("SpaceToDepthOptions", {{"block_size", 2}}));
  const int32_t up = b.Add(5, {blocks}, Table::Of("DepthToSpaceOptions", {{"block_size", 2}}));
  const int32_t batches = b.Add(38, {up, b.Numbers({2, 2}), b.Numbers({0, 0, 0, 0}, {2, 2})});
  const int32_t back = b.Add(37, {batches, b.Numbers({2, 2}), b.Numbers({0, 0, 0, 0}, {2, 2})});
  const int32_t padded = b.Add(34, {back, b.Numbers({0, 0, 1, 1, 1, 1, 0, 0}, {4, 2})});
  const int32_t mean =
      b.Add(40, {padded, b.Numbers({1, 2})}, Table::Of("ReducerOptions", {{"keep_dims", 0}}));
  const int32_t dense = b.Add(9, {mean, b.Weights({5, 8}), -1},
                              Table::Of("FullyConnectedOptions", {{"keep_num_dims", 1}}));
  return b.Finish(b.Add(25, {dense}, Table::Of("SoftmaxOptions", {{"beta", 1.0F}})));
}

Graph Layout() {
  Builder b;
  const int32_t x = b.Input({2, 3, 4});
  const int32_t flat =
      b.Add(22, {x, b.Numbers({-1, 6})},
            Table::Of("ReshapeOptions", {{"new_shape", std::vector<int64_t>{4, 6}}}));
  const int32_t half =
      b.Add(49, {b.Numbers({1}, {}), flat}, Table::Of("SplitOptions", {{"num_splits", 2}}), 2);
  const int32_t joined = b.Add(2, {half, half}, Table::Of("ConcatenationOptions", {{"axis", 1}}));
  const int32_t turned = b.Add(39, {joined, b.Numbers({1, 0})});
  const int32_t slice = b.Add(45, {turned, b.Numbers({1, 0}), b.Numbers({5, 4}), b.Numbers({2, 1})},
                              Table::Of("StridedSliceOptions", {{"begin_mask", 0},
                                                                {"end_mask", 2},
                                                                {"ellipsis_mask", 0},
                                                                {"new_axis_mask", 0},
                                                                {"shrink_axis_mask", 0}}));
  const int32_t piece = b.Add(65, {slice, b.Numbers({0, 1}), b.Numbers({-1, 2})});
  const int32_t wide = b.Add(70, {piece, b.Numbers({0}, {})});
  const int32_t narrow =
      b.Add(43, {wide}, Table::Of("SqueezeOptions", {{"squeeze_dims", std::vector<int64_t>{0}}}));
  const int32_t packed =
      b.Add(83, {narrow, narrow}, Table::Of("PackOptions", {{"values_count", 2}, {"axis", 0}}));
  const int32_t picked = b.Add(36, {packed, b.Numbers({0, 0, 1})},
                               Table::Of("GatherOptions", {{"axis", 0}, {"batch_dims", 0}}));
  const int32_t tiled = b.Add(69, {picked, b.Numbers({1, 2, 1})});
  const int32_t product =
      b.Add(126, {tiled, tiled}, Table::Of("BatchMatMulOptions", {{"adj_x", 0}, {"adj_y", 1}}));
  const int32_t parts =
      b.Add(88, {product}, Table::Of("UnpackOptions", {{"num", 3}, {"axis", 0}}), 3);
  return b.Finish(b.Add(0, {parts, parts}, Table("AddOptions")));
}

// A reshape by a shape that the graph computes, and calls of other subgraphs.
Graph Computed() {
  Builder b;
  const int32_t x = b.Input({2, 3, 4});
  const int32_t shape = b.Add(77, {x}, Table::Of("ShapeOptions", {{"out_type", 2}}));
  const int32_t batch = b.Add(45, {shape, b.Numbers({0}), b.Numbers({1}), b.Numbers({1})},
                              Table::Of("StridedSliceOptions", {{"shrink_axis_mask", 1}}));
  const int32_t rest = b.Add(18, {b.Numbers({3}, {}), b.Numbers({4}, {})}, Table("MulOptions"));
  const int32_t target = b.Add(83, {batch, rest}, Table::Of("PackOptions", {{"values_count", 2}}));
  const int32_t flat = b.Add(22, {x, target});
  b.Add(129, {}, Table::Of("CallOnceOptions", {{"init_subgraph_index", 1}}));
  Graph graph = b.Finish(flat);
  Subgraph init;
  init.name = "init";
  Tensor state;
  state.name = "state";
  state.shape = {1};
  state.is_variable = true;
  state.variant_tensors = {Table::Of("VariantSubType", {{"has_rank", 1}})};
  state.sparsity = Table::Of("SparsityParameters", {{"traversal_order", std::vector<int64_t>{0}}});
  init.tensors = {state};
  graph.subgraphs.push_back(init);
  graph.subgraphs[0].operators.back().outputs.clear();
  graph.signatures = {{.key = "serve",
                       .subgraph = 1,
                       .inputs = {{"state", 0}},
                       .outputs = {},
                       .old_tag = {},
                       .unknown = {}}};
  graph.metadata = {{.name = "empty", .buffer = 0}};
  return graph;
}

}  // namespace

std::vector<Graph> SeedGraphs() { return {Picture(), Layout(), Computed()}; }

}  // namespace bowerbird::tflite::testing
