// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/status.h"
#include "machine/machine.h"

namespace bowerbird::machine {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kDebounce{200};
// A file that never rests is read nevertheless.
constexpr std::chrono::seconds kLongestDebounce{2};
constexpr std::string_view kLogger = "config";

int Milliseconds(Clock::duration time) {
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return static_cast<int>(std::max<int64_t>(0, count));
}

}  // namespace

class ConfigWatcher::Impl {
 public:
  Impl(std::string path, ConfigOptions options, std::function<void(Config)> on_change,
       uint64_t known)
      : path_(std::move(path)),
        options_(std::move(options)),
        on_change_(std::move(on_change)),
        last_hash_(known),
        inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
        event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (options_.file_name.empty()) options_.file_name = path_;
    if (inotify_ < 0) {
      LogWarning(kLogger, MessageOf(ErrnoStatus(
                              errno, "changes of " + path_ + " are not noticed (SIGHUP works)")));
    }
    WatchFolders();
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "config-watch");
      Run();
    });
  }

  ~Impl() {
    stop_ = true;
    Signal();
    thread_.join();
    if (inotify_ >= 0) close(inotify_);
    if (event_ >= 0) close(event_);
  }

  void Reload() {
    reload_ = true;
    Signal();
  }

 private:
  void Signal() {
    const uint64_t one = 1;
    // It can only fail when the counter is full, and then the thread wakes anyway.
    [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
  }

  // The folder of the path and, through symbolic links, that of the file. Watching a folder twice
  // changes nothing.
  void WatchFolders() {
    if (inotify_ < 0) return;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path_, error);
    const auto real = std::filesystem::weakly_canonical(path_, error);
    for (const auto& file : {absolute, real}) {
      if (file.empty()) continue;
      const int watch = inotify_add_watch(
          inotify_, file.parent_path().c_str(),
          IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE);
      if (watch < 0)
        LogWarning(kLogger, MessageOf(ErrnoStatus(errno, "watch " + file.parent_path().string())));
    }
  }

  void Run() {
    Read(/*even_if_same=*/false);
    while (!stop_) {
      if (!WaitForEvent(-1)) continue;
      const auto limit = Clock::now() + kLongestDebounce;
      while (!stop_ && !reload_ && Clock::now() < limit && WaitForEvent(Milliseconds(kDebounce))) {
      }
      if (stop_) return;
      WatchFolders();
      Read(reload_.exchange(false));
    }
  }

  // False when nothing happened in that time; < 0: waits for ever.
  bool WaitForEvent(int milliseconds) {
    pollfd descriptors[] = {{event_, POLLIN, 0}, {inotify_, POLLIN, 0}};
    const int ready = poll(descriptors, inotify_ < 0 ? 1 : 2, milliseconds);
    if (ready <= 0) return false;
    alignas(inotify_event) char buffer[4096];
    while (read(event_, buffer, sizeof(uint64_t)) > 0) {
    }
    if (inotify_ >= 0) {
      while (read(inotify_, buffer, sizeof buffer) > 0) {
      }
    }
    return true;
  }

  void Read(bool even_if_same) {
    auto text = ReadConfigText(path_);
    if (!text.ok()) {
      // A file that is being replaced is away for a moment; one that stays away is worth a line.
      LogWarning(kLogger, MessageOf(text.status()) + "; the machine stays as it is");
      last_hash_ = 0;
      return;
    }
    const uint64_t hash = std::hash<std::string_view>()(*text);
    if (!even_if_same && last_hash_ == hash) return;
    last_hash_ = hash;
    auto config = ParseConfig(*text, options_);
    if (!config.ok()) {
      LogError(kLogger, MessageOf(config.status()) + "; the machine stays as it is");
      return;
    }
    on_change_(*std::move(config));
  }

  const std::string path_;
  ConfigOptions options_;
  const std::function<void(Config)> on_change_;
  uint64_t last_hash_;  // the thread's own
  const int inotify_;
  const int event_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> reload_ = false;
  std::thread thread_;
};

ConfigWatcher::ConfigWatcher(std::string path, ConfigOptions options,
                             std::function<void(Config)> on_change, uint64_t known)
    : impl_(std::make_unique<Impl>(std::move(path), std::move(options), std::move(on_change),
                                   known)) {}

ConfigWatcher::~ConfigWatcher() = default;

void ConfigWatcher::Reload() { impl_->Reload(); }

}  // namespace bowerbird::machine
