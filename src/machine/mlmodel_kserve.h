// SPDX-License-Identifier: Apache-2.0
//
// mlmodel services whose model another server runs:
//   "engine": {"kserve": "grpc://gpu-box:8001", "model": "yolo", "version": "2"}
//   "engine": {"kserve": {"url": "http://gpu-box:8000", "model": "yolo"}}
// Further keys beside "model", all optional: docs/kserve.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/catalog.h"

namespace bowerbird::machine {

// The attribute that says so, whichever model of mlmodel has it.
inline bool HasEngine(const Attributes& attributes) { return attributes.Has("engine"); }

// As ModelEntry wants them.
absl::StatusOr<std::vector<std::string>> ValidateEngine(const ResourceConfig& config,
                                                        const Attributes& attributes);
absl::StatusOr<std::shared_ptr<Resource>> BuildEngine(const BuildRequest& request);

}  // namespace bowerbird::machine
