// SPDX-License-Identifier: Apache-2.0
//
// What is derived from the pixels of pictures: a small JPEG for people, and a perceptual hash for
// finding near-duplicates.
//
// Decoding takes longer than storing, so an upload does not wait for it: the thread "previews", of
// lowest priority, does it soon afterwards, one picture at a time. Which pictures it still has to
// do is kept in the database, so nothing is forgotten over a restart. The JPEGs are files under
// DIRECTORY/previews, a cache that may be removed at any time.
#pragma once

#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "data/core.h"
#include "data/item.h"

namespace bowerbird::data {

// Thread-safe.
class Previews {
 public:
  // `start`: with the thread.
  Previews(Core& core, bool start);
  ~Previews();
  Previews(const Previews&) = delete;
  Previews& operator=(const Previews&) = delete;

  // There is something to do.
  void Wake();
  // Returns once everything that was added before is done. The caller does its share, so that it
  // does not wait for a thread that anything else on the machine goes before.
  absl::Status WaitUntilDone();

  // From the cache, or made now.
  absl::StatusOr<std::string> Get(const Item& item);

 private:
  struct Task {
    int64_t item = 0;
    std::string hash;
  };
  struct Prepared {
    int64_t item = 0;
    bool decoded = false;
    std::optional<uint64_t> looks{};
  };

  void Loop();
  // Of items up to `last`.
  absl::StatusOr<std::vector<Task>> NextTasks(int64_t last);
  // Those of `tasks` that nobody else is at, a few of them.
  std::vector<Task> Claim(const std::vector<Task>& tasks);
  void Release(const std::vector<Task>& claimed);
  absl::Status Prepare(const std::vector<Task>& tasks);
  std::string PathOf(const std::string& hash) const;
  void Keep(const std::string& hash, const std::string& jpeg);
  absl::Status DoAll(int64_t last);
  // The JPEG; `looks`, if it is not null, gets the perceptual hash, where the picture has one.
  absl::StatusOr<std::string> Make(const std::string& hash, std::optional<uint64_t>* looks);

  Core& core_;
  Mutex mutex_;
  CondVar changed_;
  uint64_t wanted_ ABSL_GUARDED_BY(mutex_) = 1;  // at start: what an earlier process left
  uint64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<int64_t> claimed_ ABSL_GUARDED_BY(mutex_);  // items that somebody is at
  uint64_t releases_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> fresh_{0};
  std::thread thread_;
};

}  // namespace bowerbird::data
