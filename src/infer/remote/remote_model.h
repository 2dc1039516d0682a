// SPDX-License-Identifier: Apache-2.0
//
// A model that another server runs, behind the Model interface: KServe's inference protocol v2 over
// gRPC or HTTP (Triton, OpenVINO Model Server, another of these servers).
//
// What the server says of itself is checked before it is believed: an answer whose names, types,
// shapes or sizes are not those of its description is an error, never a read beyond the end.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "infer/model.h"
#include "infer/remote/endpoint.h"

namespace bowerbird::infer::remote {

// Thread-safe. FP16 tensors are float32 to callers, BOOL ones uint8. Acquire waits where
// RemoteOptions::instances requests are under way already, like a local model.
class RemoteModel : public Model {
 public:
  // Asks the server for the model's description: metadata() stays as it was then. UNAVAILABLE: the
  // server cannot be reached; NOT_FOUND: it has no such model; UNIMPLEMENTED: a tensor of a type
  // that cannot be passed on. Messages name the model and the server.
  static absl::StatusOr<std::unique_ptr<RemoteModel>> Connect(const Context& context,
                                                              RemoteOptions options);

  // What the server calls its engine: "onnxruntime_onnx".
  virtual const std::string& platform() const = 0;
};

}  // namespace bowerbird::infer::remote
