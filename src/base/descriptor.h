// SPDX-License-Identifier: Apache-2.0
//
// Owners of file descriptors.
#pragma once

#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"

namespace bowerbird {

// Closes its descriptor when it goes; -1 = none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

// Close-on-exec, like everything this program opens.
struct Pipe {
  Descriptor read, write;
};

// Both ends lie above the standard descriptors, even if those are closed in us, so that putting one
// end in place in a child cannot overwrite the other.
absl::StatusOr<Pipe> MakePipe();

void SetNonBlocking(int fd);

}  // namespace bowerbird
