// SPDX-License-Identifier: Apache-2.0
//
// The folder where a machine and its modules meet.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace bowerbird::app {

// A folder in that for temporary files which only this user may enter: who can reach a socket in it
// needs no credentials. Goes with this object.
class ModuleSockets {
 public:
  static absl::StatusOr<std::unique_ptr<ModuleSockets>> Make();
  ~ModuleSockets();
  ModuleSockets(const ModuleSockets&) = delete;
  ModuleSockets& operator=(const ModuleSockets&) = delete;

  const std::string& folder() const { return folder_; }
  // Where modules reach the machine.
  std::string parent() const { return folder_ + "/parent.sock"; }

 private:
  explicit ModuleSockets(std::string folder) : folder_(std::move(folder)) {}

  const std::string folder_;
};

}  // namespace bowerbird::app
