// SPDX-License-Identifier: Apache-2.0
//
// One interpreter as callers use it: shapes in 64 bits, half floats widened, shapes put back
// between callers. Private to this room.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "base/context.h"
#include "infer/interpreter.h"
#include "infer/pool.h"
#include "infer/tensor.h"

namespace bowerbird::infer {

// Shapes as the runtime has them now, in the graph's order.
struct RuntimeShapes {
  std::vector<Shape> inputs;
  std::vector<Shape> outputs;
};

// What callers see of a tensor of runtime type `type`: half floats as floats, booleans as bytes.
DType OuterType(DType type);

class TfliteInstance : public Instance {
 public:
  // `is_dynamic[i]`: input i has extents that are not known before a call, so its shape may stay
  // what the last caller made it.
  TfliteInstance(std::unique_ptr<Interpreter> interpreter, std::vector<bool> is_dynamic);

  std::vector<Shape> InputShapes() const;
  // All at once: extents of several inputs may have to agree.
  absl::Status ResizeInputs(const std::vector<Shape>& shapes);
  std::span<std::byte> Input(int index);
  TensorView InputView(int index) const;
  absl::Status Invoke(const Context& context);
  TensorView Output(int index) const;

  RuntimeShapes shapes() const;

  // The same model made for several callers in one run; null until one is needed.
  std::unique_ptr<TfliteInstance> for_rows;

  // Before the next caller: inputs of fixed shape get it back. On error this is broken.
  absl::Status RestoreShapes();

 private:
  struct Port {
    DType type = DType::kFloat32;  // as callers see it
    bool is_half = false;
    bool is_dynamic = false;
    Shape shape;
    Shape first_shape;          // as the file has it
    std::vector<float> floats;  // the caller's side of half floats
  };

  Port& in(int index) { return inputs_[static_cast<size_t>(index)]; }
  const Port& in(int index) const { return inputs_[static_cast<size_t>(index)]; }
  static Port PortOf(const TfLiteTensor* tensor);
  static void ReadShape(const TfLiteTensor* tensor, Port& port);
  void ReadInputs();
  void ReadOutputs();

  std::unique_ptr<Interpreter> interpreter_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  bool has_half_inputs_ = false;
};

}  // namespace bowerbird::infer
