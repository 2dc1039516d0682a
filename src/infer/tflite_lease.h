// SPDX-License-Identifier: Apache-2.0
//
// Leases of a pool of TensorFlow Lite instances. Private to this room.
#pragma once

#include <memory>
#include <utility>

#include "infer/model.h"
#include "infer/pool.h"
#include "infer/tflite_instance.h"

namespace bowerbird::infer {

// An instance in a caller's hands: written, run and read in place.
class TfliteLease : public Lease {
 public:
  // `instance` is a TfliteInstance: the pool's factory makes no other.
  TfliteLease(Pool& pool, std::unique_ptr<Instance> instance)
      : pool_(pool), instance_(std::move(instance)) {}
  ~TfliteLease() override { pool_.GiveBack(std::move(instance_)); }
  TfliteLease(const TfliteLease&) = delete;
  TfliteLease& operator=(const TfliteLease&) = delete;

  absl::Status ResizeInput(int index, const Shape& shape) override {
    return tflite().ResizeInput(index, shape);
  }
  std::span<std::byte> Input(int index) override { return tflite().Input(index); }
  TensorView InputView(int index) const override { return tflite().InputView(index); }
  absl::Status Invoke(const Context& context) override { return tflite().Invoke(context); }
  TensorView Output(int index) const override { return tflite().Output(index); }

  TfliteInstance& tflite() const { return static_cast<TfliteInstance&>(*instance_); }

 private:
  Pool& pool_;
  std::unique_ptr<Instance> instance_;
};

}  // namespace bowerbird::infer
