// SPDX-License-Identifier: Apache-2.0
//
// SetInputSize of float_graph.h.
#include <algorithm>
#include <cstring>

#include "base/status.h"
#include "tflite/edit.h"
#include "tflite/shapes.h"
#include "train/float_graph.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Shape;
using tflite::Subgraph;

int64_t Elements(const Shape& shape) {
  int64_t count = 1;
  for (const int32_t extent : shape) count *= extent;
  return count;
}

// The shape that the first input of operator `index` gets once the picture has `shape`.
absl::StatusOr<Shape> ShapeBefore(const tflite::Graph& graph, size_t index, const Shape& shape) {
  tflite::Graph front = graph;
  Subgraph& main = front.subgraphs[0];
  const auto tensor = static_cast<size_t>(main.operators[index].inputs[0]);
  main.operators.resize(index);
  main.outputs.clear();
  ASSIGN_OR_RETURN(const tflite::InferredShapes shapes,
                   tflite::InferShapes(front, 0, std::vector<Shape>{shape}));
  if (!shapes.tensors[tensor].has_value())
    return Unimplemented("the size of '" + main.tensors[tensor].name +
                         "' is not known before a run: " + shapes.unknown);
  return *shapes.tensors[tensor];
}

// A pool over the whole map stays one.
absl::Status FollowPool(Operator& op, const Shape& old_shape, const Shape& new_shape) {
  if (op.options.Int("filter_height") != old_shape[1] ||
      op.options.Int("filter_width") != old_shape[2])
    return absl::OkStatus();
  RETURN_IF_ERROR(op.options.Set("filter_height", int64_t{new_shape[1]}));
  return op.options.Set("filter_width", int64_t{new_shape[2]});
}

// The first extent behind the batch that takes the change of the number of elements takes it.
absl::StatusOr<Shape> FollowedShape(Shape wanted, int64_t elements) {
  const int64_t old_elements = Elements(wanted);
  if (old_elements == elements) return wanted;
  for (size_t i = 1; i < wanted.size(); ++i) {
    const int64_t rest = old_elements / wanted[i];
    if (elements % rest != 0) continue;
    wanted[i] = static_cast<int32_t>(elements / rest);
    return wanted;
  }
  return InvalidArgument("a RESHAPE to " + tflite::ShapeText(wanted) + " cannot take " +
                         std::to_string(elements) + " elements");
}

absl::Status FollowReshape(tflite::Graph& graph, Operator& op, const Shape& new_shape) {
  Subgraph& main = graph.subgraphs[0];
  ASSIGN_OR_RETURN(
      const Shape wanted,
      FollowedShape(main.tensors[static_cast<size_t>(op.outputs[0])].shape, Elements(new_shape)));
  if (op.inputs.size() > 1 && op.inputs[1] >= 0) {
    tflite::Tensor& constant = main.tensors[static_cast<size_t>(op.inputs[1])];
    if (!tflite::IsConstant(graph, constant))
      return Unimplemented("a RESHAPE whose shape is computed");
    std::vector<std::byte> bytes(wanted.size() * sizeof(int32_t));
    std::memcpy(bytes.data(), wanted.data(), bytes.size());
    // The constant may be read by others, which keep theirs.
    op.inputs[1] = tflite::AddConstant(graph, 0, constant, std::move(bytes));
  }
  return op.options.empty()
             ? absl::OkStatus()
             : op.options.Set("new_shape", std::vector<int64_t>(wanted.begin(), wanted.end()));
}

}  // namespace

absl::Status SetInputSize(tflite::Graph& graph, image::Size size) {
  if (size.width < 1 || size.height < 1) return InvalidArgument("a picture without pixels");
  tflite::Graph changed = graph;
  Subgraph& main = changed.subgraphs[0];
  const Shape shape{1, size.height, size.width, 3};
  if (main.tensors[static_cast<size_t>(main.inputs[0])].shape == shape) return absl::OkStatus();
  for (size_t i = 0; i < main.operators.size(); ++i) {
    const std::string name = changed.operator_codes[main.operators[i].code].Name();
    if (name != "RESHAPE" && name != "AVERAGE_POOL_2D" && name != "MAX_POOL_2D") continue;
    ASSIGN_OR_RETURN(const Shape now, ShapeBefore(changed, i, shape));
    if (name == "RESHAPE") {
      Operator op = main.operators[i];
      RETURN_IF_ERROR(FollowReshape(changed, op, now));
      main.operators[i] = std::move(op);
    } else {
      const auto input = static_cast<size_t>(main.operators[i].inputs[0]);
      RETURN_IF_ERROR(FollowPool(main.operators[i], main.tensors[input].shape, now));
    }
  }
  RETURN_IF_ERROR(tflite::Reshape(changed, std::vector<Shape>{shape}));
  graph = std::move(changed);
  return absl::OkStatus();
}

}  // namespace bowerbird::train
