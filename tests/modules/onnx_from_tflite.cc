// SPDX-License-Identifier: Apache-2.0
//
// Writes a float .tflite file as ONNX, for the tests of the module onnx. Tensors keep their order
// (channels last): what ONNX wants otherwise stands between two transpositions, which its runtime
// removes. Knows the operators of MobileNet and YOLOX; another one is told and ends the program.
//
// usage: onnx_from_tflite IN.tflite OUT.onnx
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "onnx_subset.pb.h"
#include "tflite/graph.h"

namespace {

namespace onnx = bowerbird::onnx;
namespace tflite = bowerbird::tflite;

constexpr int kOperatorSet = 13;
constexpr int kRelu = 1;  // ActivationFunctionType of the .tflite format
constexpr int kRelu6 = 3;

enum OnnxType { kFloat = 1, kUint8 = 2, kInt8 = 3, kInt32 = 6, kInt64 = 7, kFloat16 = 10 };

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "onnx_from_tflite: %s\n", what.c_str());
  std::exit(1);
}

using Names = std::vector<std::string>;
using Ints = std::vector<int64_t>;

class Converter {
 public:
  explicit Converter(const tflite::Graph& graph) : graph_(graph), main_(graph.subgraphs.at(0)) {}

  onnx::ModelProto Convert() {
    model_.set_ir_version(8);
    model_.set_producer_name("bowerbird tests");
    model_.add_opset_import()->set_version(kOperatorSet);
    model_.mutable_graph()->set_name("main");
    for (const int32_t input : main_.inputs) Declare(input, *out().add_input());
    for (const int32_t output : main_.outputs) Declare(output, *out().add_output());
    for (size_t i = 0; i < main_.tensors.size(); ++i) AddConstant(i);
    for (const tflite::Operator& op : main_.operators) Translate(op);
    return std::move(model_);
  }

 private:
  onnx::GraphProto& out() { return *model_.mutable_graph(); }
  const tflite::Tensor& Tensor(int32_t index) const {
    return main_.tensors.at(static_cast<size_t>(index));
  }

  // Names in a .tflite file may be empty or stand twice; only those of the outside matter.
  std::string Name(int32_t index) const {
    for (const auto& ends : {main_.inputs, main_.outputs})
      for (const int32_t end : ends)
        if (end == index) return Tensor(index).name;
    return absl::StrCat("t", index);
  }

  static OnnxType TypeOf(tflite::TensorType type) {
    switch (type) {
      case tflite::TensorType::kFloat32:
        return kFloat;
      case tflite::TensorType::kFloat16:
        return kFloat16;
      case tflite::TensorType::kInt32:
        return kInt32;
      case tflite::TensorType::kInt64:
        return kInt64;
      case tflite::TensorType::kUint8:
        return kUint8;
      default:
        Die("a tensor is " + tflite::TensorTypeName(type));
    }
  }

  void Declare(int32_t index, onnx::ValueInfoProto& info) {
    info.set_name(Name(index));
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(TypeOf(Tensor(index).type));
    for (const int32_t extent : Tensor(index).shape)
      type.mutable_shape()->add_dim()->set_dim_value(extent);
  }

  std::span<const std::byte> Data(int32_t index) const {
    return graph_.buffers.at(Tensor(index).buffer).data;
  }

  void AddConstant(size_t i) {
    const auto index = static_cast<int32_t>(i);
    const auto data = Data(index);
    if (data.empty()) return;
    auto& tensor = *out().add_initializer();
    tensor.set_name(Name(index));
    tensor.set_data_type(TypeOf(Tensor(index).type));
    for (const int32_t extent : Tensor(index).shape) tensor.add_dims(extent);
    tensor.set_raw_data(data.data(), data.size());
  }

  // The elements of a constant of 32-bit integers.
  Ints Constant(int32_t index) const {
    const auto data = Data(index);
    Ints values;
    for (size_t at = 0; at + 4 <= data.size(); at += 4) {
      int32_t value = 0;
      std::memcpy(&value, data.data() + at, sizeof value);
      values.push_back(value);
    }
    if (values.empty()) Die("the shape of an operator is computed: it must be constant");
    return values;
  }

  template <typename T>
  std::string Fresh(OnnxType type, const std::vector<T>& values, bool scalar = false) {
    auto& tensor = *out().add_initializer();
    tensor.set_name(absl::StrCat("c", fresh_++));
    tensor.set_data_type(type);
    if (!scalar) tensor.add_dims(static_cast<int64_t>(values.size()));
    tensor.set_raw_data(values.data(), values.size() * sizeof(T));
    return tensor.name();
  }
  std::string Fresh(const Ints& values) { return Fresh(kInt64, values); }

  onnx::NodeProto& Node(const std::string& type, const Names& inputs, const std::string& output) {
    auto& node = *out().add_node();
    node.set_op_type(type);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }
  // The same with an output of its own, whose name is given back.
  std::string Step(const std::string& type, const Names& inputs,
                   const std::function<void(onnx::NodeProto&)>& fill = {}) {
    std::string output = absl::StrCat("s", fresh_++);
    auto& node = Node(type, inputs, output);
    if (fill) fill(node);
    return output;
  }
  static void Set(onnx::NodeProto& node, const std::string& name, const Ints& values) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(7);
    for (const int64_t value : values) attribute.add_ints(value);
  }
  static void Set(onnx::NodeProto& node, const std::string& name, int64_t value) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(2);
    attribute.set_i(value);
  }
  static void Set(onnx::NodeProto& node, const std::string& name, const std::string& value) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(3);
    attribute.set_s(value);
  }
  std::string Permute(const std::string& input, const Ints& order) {
    return Step("Transpose", {input}, [&](auto& node) { Set(node, "perm", order); });
  }

  // `value` through the activation that is fused to `op`, as its output.
  void Activate(const tflite::Operator& op, const std::string& value) {
    const int64_t activation = op.options.Int("fused_activation_function");
    const std::string output = Name(op.outputs.at(0));
    if (activation == 0) {
      Node("Identity", {value}, output);
    } else if (activation == kRelu) {
      Node("Relu", {value}, output);
    } else if (activation == kRelu6) {
      Node("Clip", {value, Fresh<float>(kFloat, {0}, true), Fresh<float>(kFloat, {6}, true)},
           output);
    } else {
      Die("activation " + std::to_string(activation));
    }
  }

  static void Window(const tflite::Operator& op, onnx::NodeProto& node) {
    Set(node, "auto_pad", std::string(op.options.Int("padding") == 0 ? "SAME_UPPER" : "VALID"));
    Set(node, "strides", Ints{op.options.Int("stride_h"), op.options.Int("stride_w")});
  }

  void Convolution(const tflite::Operator& op, bool depthwise) {
    const std::string input = Permute(Name(op.inputs.at(0)), {0, 3, 1, 2});
    const std::string filter =
        Permute(Name(op.inputs.at(1)), depthwise ? Ints{3, 0, 1, 2} : Ints{0, 3, 1, 2});
    Names inputs{input, filter};
    if (op.inputs.size() > 2 && op.inputs[2] >= 0) inputs.push_back(Name(op.inputs[2]));
    const std::string result = Step("Conv", inputs, [&](auto& node) {
      Window(op, node);
      Set(node, "dilations",
          Ints{op.options.Int("dilation_h_factor", 1), op.options.Int("dilation_w_factor", 1)});
      if (depthwise) Set(node, "group", int64_t{Tensor(op.inputs[0]).shape.at(3)});
    });
    Activate(op, Permute(result, {0, 2, 3, 1}));
  }

  void Pool(const tflite::Operator& op, const std::string& type) {
    const std::string input = Permute(Name(op.inputs.at(0)), {0, 3, 1, 2});
    const std::string result = Step(type, {input}, [&](auto& node) {
      Window(op, node);
      Set(node, "kernel_shape",
          Ints{op.options.Int("filter_height"), op.options.Int("filter_width")});
    });
    Activate(op, Permute(result, {0, 2, 3, 1}));
  }

  void Reshape(const tflite::Operator& op) {
    const auto& shape = Tensor(op.outputs.at(0)).shape;
    Node("Reshape", {Name(op.inputs.at(0)), Fresh(Ints(shape.begin(), shape.end()))},
         Name(op.outputs[0]));
  }

  void FullyConnected(const tflite::Operator& op) {
    const auto& weights = Tensor(op.inputs.at(1)).shape;
    const std::string rows = Step("Reshape", {Name(op.inputs[0]), Fresh(Ints{-1, weights.at(1)})});
    Names inputs{rows, Name(op.inputs[1])};
    if (op.inputs.size() > 2 && op.inputs[2] >= 0) inputs.push_back(Name(op.inputs[2]));
    Activate(op, Step("Gemm", inputs, [](auto& node) { Set(node, "transB", int64_t{1}); }));
  }

  void Pad(const tflite::Operator& op) {
    const Ints pairs = Constant(op.inputs.at(1));
    Ints pads;
    for (const size_t side : {size_t{0}, size_t{1}})
      for (size_t i = side; i < pairs.size(); i += 2) pads.push_back(pairs[i]);
    Node("Pad", {Name(op.inputs[0]), Fresh(pads)}, Name(op.outputs.at(0)));
  }

  void StridedSlice(const tflite::Operator& op) {
    Ints begin = Constant(op.inputs.at(1));
    Ints end = Constant(op.inputs.at(2));
    for (const char* mask : {"ellipsis_mask", "new_axis_mask", "shrink_axis_mask"})
      if (op.options.Int(mask) != 0) Die(std::string("STRIDED_SLICE with ") + mask);
    Ints axes;
    for (size_t i = 0; i < begin.size(); ++i) {
      axes.push_back(static_cast<int64_t>(i));
      if (op.options.Int("begin_mask") >> i & 1) begin[i] = 0;
      if (op.options.Int("end_mask") >> i & 1) end[i] = INT32_MAX;
    }
    Node("Slice",
         {Name(op.inputs[0]), Fresh(begin), Fresh(end), Fresh(axes),
          Fresh(Constant(op.inputs.at(3)))},
         Name(op.outputs.at(0)));
  }

  void ResizeNearest(const tflite::Operator& op) {
    const auto& shape = Tensor(op.outputs.at(0)).shape;
    auto& node =
        Node("Resize", {Name(op.inputs.at(0)), "", "", Fresh(Ints(shape.begin(), shape.end()))},
             Name(op.outputs[0]));
    Set(node, "coordinate_transformation_mode", std::string("asymmetric"));
    Set(node, "nearest_mode", std::string("floor"));
  }

  void Translate(const tflite::Operator& op) {
    const std::string name = graph_.operator_codes.at(op.code).Name();
    const auto input = [&](size_t i) { return Name(op.inputs.at(i)); };
    const std::string output = Name(op.outputs.at(0));
    const std::map<std::string, std::function<void()>> translations = {
        {"CONV_2D", [&] { Convolution(op, false); }},
        {"DEPTHWISE_CONV_2D", [&] { Convolution(op, true); }},
        {"AVERAGE_POOL_2D", [&] { Pool(op, "AveragePool"); }},
        {"MAX_POOL_2D", [&] { Pool(op, "MaxPool"); }},
        {"RESHAPE", [&] { Reshape(op); }},
        {"SQUEEZE", [&] { Reshape(op); }},
        {"FULLY_CONNECTED", [&] { FullyConnected(op); }},
        {"PAD", [&] { Pad(op); }},
        {"STRIDED_SLICE", [&] { StridedSlice(op); }},
        {"RESIZE_NEAREST_NEIGHBOR", [&] { ResizeNearest(op); }},
        {"ADD",
         [&] {
           Activate(op, Step("Add", {input(0), input(1)}));
         }},
        {"MUL",
         [&] {
           Activate(op, Step("Mul", {input(0), input(1)}));
         }},
        {"LOGISTIC", [&] { Node("Sigmoid", {input(0)}, output); }},
        {"SOFTMAX", [&] { Set(Node("Softmax", {input(0)}, output), "axis", int64_t{-1}); }},
        {"DEQUANTIZE", [&] { Set(Node("Cast", {input(0)}, output), "to", int64_t{kFloat}); }},
        {"TRANSPOSE",
         [&] { Set(Node("Transpose", {input(0)}, output), "perm", Constant(op.inputs.at(1))); }},
        {"CONCATENATION",
         [&] {
           Names parts;
           for (const int32_t part : op.inputs) parts.push_back(Name(part));
           Set(Node("Concat", parts, output), "axis", op.options.Int("axis"));
         }},
    };
    const auto found = translations.find(name);
    if (found == translations.end()) Die("there is no translation of " + name);
    found->second();
  }

  const tflite::Graph& graph_;
  const tflite::Subgraph& main_;
  onnx::ModelProto model_;
  int fresh_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) Die("usage: onnx_from_tflite IN.tflite OUT.onnx");
  std::ifstream in(arguments[1], std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(in)),
                                std::istreambuf_iterator<char>());
  const auto graph = tflite::ReadGraph(std::as_bytes(std::span(bytes)));
  if (!graph.ok()) Die(std::string(graph.status().message()));
  std::ofstream out(arguments[2], std::ios::binary);
  if (!Converter(*graph).Convert().SerializeToOstream(&out)) Die("cannot write the file");
  return 0;
}
