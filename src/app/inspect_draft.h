// SPDX-License-Identifier: Apache-2.0
//
// A file that is written beside its place and put there when it is known to be good. Gone with this
// object unless it was placed, and gone as well when the user interrupts the program (SIGINT,
// SIGTERM, SIGHUP): those signals are taken over for as long as a draft lives, then given back.
#pragma once

#include <array>
#include <csignal>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bowerbird::app {

// At most one at a time in a process. Used by one thread.
class Draft {
 public:
  static absl::StatusOr<std::unique_ptr<Draft>> Write(const std::string& output,
                                                      const std::string& bytes);
  ~Draft();
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::string& path() const { return path_; }

  // In one step: readers of `output` see the old file or the new one.
  absl::Status Place(const std::string& output);

 private:
  explicit Draft(std::string path);

  void TakeSignals();

  std::string path_;
  bool exists_ = false;
  bool has_signals_ = false;
  std::array<struct sigaction, 3> before_ = {};
};

}  // namespace bowerbird::app
