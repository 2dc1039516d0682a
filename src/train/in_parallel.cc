// SPDX-License-Identifier: Apache-2.0
#include "train/in_parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"

namespace bowerbird::train {
namespace {

struct Progress {
  Mutex mutex;
  size_t done ABSL_GUARDED_BY(mutex) = 0;
};

}  // namespace

absl::Status InParallel(const ParallelOptions& options, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> stopped{false};
  Progress progress;
  const auto run = [&] {
    pthread_setname_np(pthread_self(), "train-pictures");
    for (size_t i = next++; i < options.count; i = next++) {
      if (options.stopped && options.stopped()) {
        stopped = true;
        return;
      }
      work(i);
      const MutexLock lock(progress.mutex);
      ++progress.done;
      if (options.progress) options.progress(progress.done);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::max(options.threads, 1); ++i) threads.emplace_back(run);
  threads.clear();
  return stopped ? absl::CancelledError("stopped") : absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const image::Picture>> ReadPicture(FileSystem& files,
                                                                  const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(files, path, kMaxPictureBytes));
  return image::Picture::FromBytes(std::move(bytes));
}

}  // namespace bowerbird::train
