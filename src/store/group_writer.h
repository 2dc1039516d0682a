// SPDX-License-Identifier: Apache-2.0
//
// Group commit: one thread ("db-write") runs the transactions of many callers and commits together
// those that queued up while the commit before was on its way to the disk.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "store/database.h"

namespace bowerbird::store {

// The connection that writes. Used by one thread.
class WriteSession {
 public:
  virtual ~WriteSession() = default;
  virtual Connection& connection() = 0;
  // Before each group: brings a broken connection back, or says why not.
  virtual absl::Status Prepare() = 0;
  virtual absl::Status Begin() = 0;
  virtual absl::Status Commit() = 0;
  virtual void Rollback() = 0;
};

// Thread-safe. The queue is bounded: callers wait for a place in it.
class GroupWriter {
 public:
  explicit GroupWriter(std::unique_ptr<WriteSession> session);
  // What is queued is refused with UNAVAILABLE.
  ~GroupWriter();
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;

  absl::Status Write(const Database::Work& work);

 private:
  struct Request {
    const Database::Work* work;
    absl::Status status;
    bool done = false;
    CondVar finished{};  // its own: a commit wakes those it is for, each once
  };

  void Loop();
  void Finish(Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Request*> TakeGroup();
  void RunGroup(const std::vector<Request*>& group);
  // False when the transaction itself is gone.
  bool RunOne(Request& request, bool alone);

  const std::unique_ptr<WriteSession> session_;
  Mutex mutex_;
  CondVar arrived_, room_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bowerbird::store
