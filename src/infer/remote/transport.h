// SPDX-License-Identifier: Apache-2.0
//
// How a remote model's requests travel. A transport belongs to one model and is shared by its
// leases; a session is one lease's own connection to it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "infer/remote/endpoint.h"
#include "infer/remote/message.h"

namespace bowerbird::infer::remote {

// Errors of both classes: the server's own with its code; UNAVAILABLE where it cannot be reached,
// breaks off or does not answer in time; CANCELLED and DEADLINE_EXCEEDED as the context says;
// INTERNAL where it answers what the protocol does not allow. They do not name the server: the
// caller does.

// Not thread-safe.
class Session {
 public:
  virtual ~Session() = default;
  // Sends `inputs` and gives the answer's outputs. `inputs` are as before when it returns.
  virtual absl::StatusOr<std::vector<MessageTensor>> Infer(
      const Context& context, std::span<MessageTensor> inputs,
      const std::vector<std::string>& outputs) = 0;
};

// Thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual absl::StatusOr<ModelDescription> Describe(const Context& context) = 0;
  // The transport outlives it.
  virtual std::unique_ptr<Session> NewSession() = 0;
};

// `options` outlives both. INVALID_ARGUMENT, NOT_FOUND: the certificate file.
absl::StatusOr<std::unique_ptr<Transport>> NewGrpcTransport(const RemoteOptions& options);
absl::StatusOr<std::unique_ptr<Transport>> NewHttpTransport(const RemoteOptions& options);

}  // namespace bowerbird::infer::remote
