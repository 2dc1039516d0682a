// SPDX-License-Identifier: Apache-2.0
#include "app/data_import_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <utility>

#include "app/progress.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kQuiet{300};
constexpr milliseconds kLongestUnrest{2000};
// How often a signal is looked for: it may have come to another thread.
constexpr milliseconds kSlice{200};
// Where the kernel cannot tell of all changes.
constexpr milliseconds kLookAgain{5000};
constexpr double kOldEnough = 2.0;  // seconds, where the kernel does not tell who writes

double SecondsSince(const timespec& time) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec - time.tv_sec) +
         static_cast<double>(now.tv_nsec - time.tv_nsec) / 1e9;
}

}  // namespace

absl::StatusOr<FolderWatch> FolderWatch::Open(std::string root) {
  const int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify < 0) return ErrnoStatus(errno, "watch " + root);
  FolderWatch watch(std::move(root), inotify);
  if (!watch.WatchOne(watch.root_)) return ErrnoStatus(errno, "watch " + watch.root_);
  return watch;
}

FolderWatch::FolderWatch(FolderWatch&& other) noexcept
    : root_(other.root_), inotify_(std::exchange(other.inotify_, -1)), complete_(other.complete_) {}

FolderWatch::~FolderWatch() {
  if (inotify_ >= 0) close(inotify_);
}

bool FolderWatch::WatchOne(const std::string& folder) {
  return inotify_add_watch(inotify_, folder.c_str(),
                           IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_ONLYDIR) >= 0;
}

bool FolderWatch::WatchFolders() {
  namespace fs = std::filesystem;
  complete_ = WatchOne(root_);
  std::error_code error;
  auto entry =
      fs::recursive_directory_iterator(root_, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    if (!fs::is_directory(entry->symlink_status(unknown))) continue;
    if (entry->path().filename().native().starts_with('.')) {
      entry.disable_recursion_pending();
      continue;
    }
    // A folder that is gone again, or is not ours to read, has nothing to tell.
    if (!WatchOne(entry->path()) && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
      complete_ = false;
  }
  if (error) complete_ = false;
  return complete_;
}

bool FolderWatch::Changed(milliseconds longest) {
  pollfd descriptor{inotify_, POLLIN, 0};
  if (poll(&descriptor, 1, static_cast<int>(longest.count())) <= 0) return false;
  // Which files does not matter, nor whether the queue has overflowed.
  alignas(inotify_event) char buffer[16384];
  while (read(inotify_, buffer, sizeof buffer) > 0) {
  }
  return true;
}

void FolderWatch::Wait(milliseconds longest) {
  if (!complete_) longest = std::min(longest, kLookAgain);
  const auto start = Clock::now();
  bool changed = false;
  while (!changed && !Interrupted()) {
    const auto left = longest - std::chrono::duration_cast<milliseconds>(Clock::now() - start);
    if (left <= milliseconds(0)) return;
    changed = Changed(std::min(left, kSlice));
  }
  const auto limit = Clock::now() + kLongestUnrest;
  while (!Interrupted() && Clock::now() < limit && Changed(kQuiet)) {
  }
}

bool IsAtRest(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  // What cannot be opened is for whoever reads it to complain about.
  if (file < 0) return true;
  struct stat info {};
  bool rests = fstat(file, &info) != 0 || !S_ISREG(info.st_mode);
  if (!rests) {
    const double age = SecondsSince(info.st_ctim);
    // A clock that was set back must not hold a file up for ever.
    const bool quiet = age < 0 || age * 1000 >= static_cast<double>(kQuiet.count());
    if (fcntl(file, F_SETLEASE, F_RDLCK) == 0) {
      fcntl(file, F_SETLEASE, F_UNLCK);
      rests = quiet;
    } else {
      rests = errno != EAGAIN && (age < 0 || age >= kOldEnough);
    }
  }
  close(file);
  return rests;
}

}  // namespace bowerbird::app
