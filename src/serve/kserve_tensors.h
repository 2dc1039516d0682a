// SPDX-License-Identifier: Apache-2.0
//
// Tensors of inference.GRPCInferenceService, to and from those of a model.
#pragma once

#include <deque>
#include <string>

#include "absl/status/statusor.h"
#include "infer/tensor.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
class ModelMetadataResponse;
}  // namespace inference

namespace bowerbird::serve {

// The inputs of a request, as views: raw ones where protobuf put them, typed ones packed. The
// request must outlive this, unchanged.
class KServeInputs {
 public:
  // INVALID_ARGUMENT and UNIMPLEMENTED name the tensor: unknown name or datatype, a datatype other
  // than the model's, a shape that is none, another number of bytes or elements.
  static absl::StatusOr<KServeInputs> Read(const infer::ModelMetadata& metadata,
                                           const inference::ModelInferRequest& request);

  const infer::NamedViews& views() const { return views_; }

 private:
  KServeInputs() = default;
  absl::Status Add(const infer::ModelMetadata& metadata,
                   const inference::ModelInferRequest& request, int index);

  infer::NamedViews views_;
  std::deque<std::string> packed_;  // a deque: its strings stay where they are
};

// Writes the outputs that the request asks for, all if it names none; typed if its inputs are, else
// raw. INVALID_ARGUMENT: an output that the model has not, or twice the same one. UNIMPLEMENTED:
// classification, and tensors without a datatype of the protocol.
absl::Status WriteKServeOutputs(const infer::ModelMetadata& metadata,
                                const infer::NamedViews& outputs,
                                const inference::ModelInferRequest& request,
                                inference::ModelInferResponse& response);

void WriteKServeMetadata(const infer::ModelMetadata& metadata,
                         inference::ModelMetadataResponse& response);

}  // namespace bowerbird::serve
