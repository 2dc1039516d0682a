// SPDX-License-Identifier: Apache-2.0
//
// The runtime used plainly, as an engineer without this program would: map the file, make one
// interpreter, allocate, invoke. The opponent of every benchmark, so it must stay as short and as
// fair as that. It trusts the file: give it only files that TfliteModel has loaded.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "infer/tensor.h"

namespace bowerbird::infer {

struct PlainOptions {
  std::string model_path = {};
  int num_threads = 1;
  bool xnnpack = false;  // with signed int8 kernels, without them where the model refuses these
};

// Not thread-safe; several of them are independent.
class PlainModel {
 public:
  virtual ~PlainModel() = default;

  static absl::StatusOr<std::unique_ptr<PlainModel>> Load(const PlainOptions& options);

  virtual int input_count() const = 0;
  virtual int output_count() const = 0;
  virtual DType input_type(int index) const = 0;
  virtual Shape input_shape(int index) const = 0;
  virtual std::span<std::byte> input(int index) = 0;
  virtual DType output_type(int index) const = 0;
  virtual Shape output_shape(int index) const = 0;
  virtual std::span<const std::byte> output(int index) const = 0;
  // False if the runtime fails.
  virtual bool Invoke() = 0;
};

}  // namespace bowerbird::infer
