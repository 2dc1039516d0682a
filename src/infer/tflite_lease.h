// SPDX-License-Identifier: Apache-2.0
//
// Leases of a pool of TensorFlow Lite instances. Private to this room.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "infer/model.h"
#include "infer/pool.h"
#include "infer/shape_gate.h"
#include "infer/tflite_instance.h"

namespace bowerbird::infer {

// An instance in a caller's hands: written, run and read in place.
class TfliteLease : public Lease {
 public:
  // `instance` is a TfliteInstance: the pool's factory makes no other. `gate` may be null.
  // `context` is that of the call which the lease is part of.
  TfliteLease(Pool& pool, ShapeGate* gate, Context context, std::unique_ptr<Instance> instance);
  ~TfliteLease() override;
  TfliteLease(const TfliteLease&) = delete;
  TfliteLease& operator=(const TfliteLease&) = delete;

  // Shapes that are new to the model are tried first, while others have the instance; if it cannot
  // be had back after that, nothing else works any more.
  absl::Status ResizeInputs(const std::vector<Shape>& shapes) override;
  std::span<std::byte> Input(int index) override;
  TensorView InputView(int index) const override;
  absl::Status Invoke(const Context& context) override;
  TensorView Output(int index) const override;

  TfliteInstance& tflite() const { return static_cast<TfliteInstance&>(*instance_); }

 private:
  absl::Status TryFirst(const std::vector<Shape>& shapes);

  Pool& pool_;
  ShapeGate* const gate_;
  const Context context_;
  std::unique_ptr<Instance> instance_;  // null: lost
};

}  // namespace bowerbird::infer
