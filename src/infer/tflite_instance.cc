// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_instance.h"

#include <limits>
#include <string>
#include <utility>

#include "base/status.h"
#include "infer/half.h"

namespace bowerbird::infer {
namespace {

std::span<std::byte> BytesOf(const TfLiteTensor* tensor) {
  return {static_cast<std::byte*>(TfLiteTensorData(tensor)), TfLiteTensorByteSize(tensor)};
}

template <typename T>
std::span<T> ElementsOf(const TfLiteTensor* tensor) {
  return {static_cast<T*>(TfLiteTensorData(tensor)), TfLiteTensorByteSize(tensor) / sizeof(T)};
}

bool FitsRuntime(const Shape& shape) {
  for (const int64_t extent : shape) {
    if (extent < 0 || extent > std::numeric_limits<int>::max()) return false;
  }
  return ElementCount(shape).has_value();
}

}  // namespace

DType OuterType(DType type) {
  if (type == DType::kFloat16) return DType::kFloat32;
  if (type == DType::kBool) return DType::kUint8;
  return type;
}

TfliteInstance::TfliteInstance(std::unique_ptr<Interpreter> interpreter,
                               std::vector<bool> is_dynamic)
    : interpreter_(std::move(interpreter)) {
  for (int i = 0; i < interpreter_->input_count(); ++i) {
    inputs_.push_back(PortOf(interpreter_->input(i)));
    inputs_.back().is_dynamic = is_dynamic[static_cast<size_t>(i)];
    has_half_inputs_ |= inputs_.back().is_half;
  }
  for (int i = 0; i < interpreter_->output_count(); ++i) {
    outputs_.push_back(PortOf(interpreter_->output(i)));
  }
  ReadInputs();
  ReadOutputs();
}

TfliteInstance::Port TfliteInstance::PortOf(const TfLiteTensor* tensor) {
  Port port;
  const DType type = TypeOf(tensor);
  port.type = OuterType(type);
  port.is_half = type == DType::kFloat16;
  ReadShape(tensor, port);
  port.first_shape = port.shape;
  return port;
}

void TfliteInstance::ReadShape(const TfLiteTensor* tensor, Port& port) {
  const int rank = TfLiteTensorNumDims(tensor);
  port.shape.resize(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) {
    port.shape[static_cast<size_t>(i)] = TfLiteTensorDim(tensor, i);
  }
}

void TfliteInstance::ReadInputs() {
  for (int i = 0; i < interpreter_->input_count(); ++i) {
    const TfLiteTensor* tensor = interpreter_->input(i);
    ReadShape(tensor, in(i));
    if (in(i).is_half) in(i).floats.resize(ElementsOf<uint16_t>(tensor).size());
  }
}

void TfliteInstance::ReadOutputs() {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const TfLiteTensor* tensor = interpreter_->output(static_cast<int>(i));
    ReadShape(tensor, outputs_[i]);
    if (!outputs_[i].is_half) continue;
    const std::span<const uint16_t> halves = ElementsOf<const uint16_t>(tensor);
    outputs_[i].floats.resize(halves.size());
    if (halves.data() != nullptr) FloatsFromHalves(halves, outputs_[i].floats);
  }
}

RuntimeShapes TfliteInstance::shapes() const {
  RuntimeShapes shapes;
  for (const Port& port : inputs_) shapes.inputs.push_back(port.shape);
  for (const Port& port : outputs_) shapes.outputs.push_back(port.shape);
  return shapes;
}

std::vector<Shape> TfliteInstance::InputShapes() const {
  std::vector<Shape> shapes;
  for (const Port& port : inputs_) shapes.push_back(port.shape);
  return shapes;
}

absl::Status TfliteInstance::ResizeInputs(const std::vector<Shape>& shapes) {
  const std::vector<Shape> before = InputShapes();
  if (shapes == before) return absl::OkStatus();
  if (shapes.size() != before.size()) {
    return InvalidArgument("the model has " + std::to_string(before.size()) + " inputs");
  }
  for (const Shape& shape : shapes) {
    if (!FitsRuntime(shape)) {
      return InvalidArgument("an input cannot have the shape " + ShapeText(shape));
    }
  }
  const absl::Status status = interpreter_->Resize(shapes);
  if (!status.ok()) {
    if (!interpreter_->Resize(before).ok()) broken = true;
    if (!broken) ReadInputs();
    return Annotate(
        status, "the model cannot take " + std::string(shapes.size() == 1 ? "an input" : "inputs") +
                    " of shape " + ShapesText(shapes) + " instead of " + ShapesText(before));
  }
  ReadInputs();
  return absl::OkStatus();
}

absl::Status TfliteInstance::RestoreShapes() {
  std::vector<Shape> shapes = InputShapes();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].is_dynamic) shapes[i] = inputs_[i].first_shape;
  }
  absl::Status status = ResizeInputs(shapes);
  if (!status.ok()) broken = true;
  return status;
}

std::span<std::byte> TfliteInstance::Input(int index) {
  if (in(index).is_half) return std::as_writable_bytes(std::span(in(index).floats));
  return BytesOf(interpreter_->input(index));
}

TensorView TfliteInstance::InputView(int index) const {
  const Port& port = in(index);
  if (port.is_half) return {port.type, port.shape, std::as_bytes(std::span(port.floats))};
  return {port.type, port.shape, BytesOf(interpreter_->input(index))};
}

absl::Status TfliteInstance::Invoke(const Context& context) {
  RETURN_IF_ERROR(context.Check());
  PhaseTimer timer(context.phases, Phase::kInvoke);
  for (int i = 0; has_half_inputs_ && i < interpreter_->input_count(); ++i) {
    if (!in(i).is_half) continue;
    HalvesFromFloats(in(i).floats, ElementsOf<uint16_t>(interpreter_->input(i)));
  }
  RETURN_IF_ERROR(interpreter_->Invoke());
  ReadOutputs();
  return absl::OkStatus();
}

TensorView TfliteInstance::Output(int index) const {
  const Port& port = outputs_[static_cast<size_t>(index)];
  if (port.is_half) return {port.type, port.shape, std::as_bytes(std::span(port.floats))};
  return {port.type, port.shape, BytesOf(interpreter_->output(index))};
}

}  // namespace bowerbird::infer
