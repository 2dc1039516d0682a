// SPDX-License-Identifier: Apache-2.0
//
// A loaded model, wherever it runs. Callers lease an instance, write its inputs in place, invoke it
// and read its outputs in place; nothing is copied that need not be.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "infer/tensor.h"

namespace bowerbird::infer {

// One instance of a model, held by one caller. Not thread-safe. Going out of scope gives it back.
// Must not outlive its Model.
class Lease {
 public:
  virtual ~Lease() = default;

  // Gives the inputs concrete shapes, one for each in the metadata's order; needed only where the
  // metadata says -1 or another batch is wanted. What was written into them before is gone.
  // INVALID_ARGUMENT if the model cannot take them (the instance is unchanged then).
  virtual absl::Status ResizeInputs(const std::vector<Shape>& shapes) = 0;

  // Memory of input `index`, of its current shape and type, to be filled before Invoke.
  virtual std::span<std::byte> Input(int index) = 0;
  virtual TensorView InputView(int index) const = 0;

  // Runs the model on what the inputs hold. Time goes to Phase::kInvoke.
  virtual absl::Status Invoke(const Context& context) = 0;

  // Valid until the next Invoke or ResizeInputs, or the end of the lease.
  virtual TensorView Output(int index) const = 0;
};

// Thread-safe.
class Model {
 public:
  virtual ~Model() = default;

  // Stable for the life of the model.
  virtual const ModelMetadata& metadata() const = 0;

  // Waits for a free instance until the context's deadline; time goes to Phase::kQueue.
  // Errors: RESOURCE_EXHAUSTED (queue full, with its depth), DEADLINE_EXCEEDED, CANCELLED.
  virtual absl::StatusOr<std::unique_ptr<Lease>> Acquire(const Context& context) const = 0;
};

// Writes `inputs` by name into a lease. With exactly one input on both sides any name is accepted;
// otherwise every input of the metadata must be there, by metadata or graph name. INVALID_ARGUMENT
// names the tensor, what was given and what is wanted: unknown or missing name, type, shape, byte
// count.
absl::Status FillInputs(const ModelMetadata& metadata, const NamedViews& inputs, Lease& lease);

// FillInputs, Invoke, and the outputs by metadata name, borrowed from `lease`.
absl::StatusOr<NamedViews> Run(const Context& context, const Model& model, const NamedViews& inputs,
                               Lease& lease);

}  // namespace bowerbird::infer
