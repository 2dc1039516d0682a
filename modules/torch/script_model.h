// SPDX-License-Identifier: Apache-2.0
//
// A TorchScript file as an ML model of the wire. The only place that knows libtorch is the .cc
// file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

namespace bowerbird::torch_module {

// What a TorchScript file does not say of an input.
struct InputForm {
  std::vector<int64_t> shape;         // -1 = any; empty: not known
  std::string data_type = "float32";  // of the wire
};

struct ScriptOptions {
  std::string model_path;
  std::string label_path;                   // told as `labels` of every output; "" = none
  int num_threads = 0;                      // of one call; 0 = one for each core
  std::map<std::string, InputForm> inputs;  // by the name of the argument of forward
};

// Thread-safe; calls run one after another.
class ScriptModel {
 public:
  virtual ~ScriptModel() = default;

  // Where all shapes are known (-1 is taken as 1) the model is run once on zeros, and the types and
  // shapes of its outputs are those that it gave; else the outputs are announced as float32 of
  // unknown shape. Errors: NOT_FOUND; INVALID_ARGUMENT: no TorchScript, a forward with arguments or
  // results that are no tensors, an input that forward does not have, or the run on zeros failed.
  static absl::StatusOr<std::unique_ptr<ScriptModel>> Load(const ScriptOptions& options);

  virtual const viam::service::mlmodel::v1::Metadata& metadata() const = 0;
  // INVALID_ARGUMENT names the tensor: missing, not known, another type or shape, too few elements.
  virtual absl::Status Infer(const viam::service::mlmodel::v1::FlatTensors& inputs,
                             viam::service::mlmodel::v1::FlatTensors& outputs) = 0;
};

}  // namespace bowerbird::torch_module
