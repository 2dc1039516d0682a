// SPDX-License-Identifier: Apache-2.0
#include "infer/measuring_turn.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/status.h"

namespace bowerbird::infer {
namespace {

using Clock = std::chrono::steady_clock;

// How often a lock that another process holds is looked at: the kernel's own wait for one cannot be
// ended by a deadline.
constexpr std::chrono::milliseconds kLook{20};

}  // namespace

absl::StatusOr<MeasuringTurn> MeasuringTurn::Await(const Context& context,
                                                   const std::string& folder,
                                                   std::chrono::nanoseconds patience) {
  if (folder.empty()) return MeasuringTurn(-1);
  std::error_code error;
  std::filesystem::create_directories(folder, error);  // if that fails, so does the next
  const std::string path = folder + "/measuring.lock";
  MeasuringTurn turn(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const Clock::time_point end = Clock::now() + patience;
  while (turn.file_ >= 0 && flock(turn.file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) break;  // a file system without locks
    RETURN_IF_ERROR(context.Check());
    if (Clock::now() >= end) {
      return Unavailable("other models are being measured (" + path +
                         " is locked); load the model again when they are done");
    }
    std::this_thread::sleep_for(kLook);
  }
  return turn;
}

MeasuringTurn::~MeasuringTurn() {
  if (file_ >= 0) close(file_);
}

}  // namespace bowerbird::infer
