// SPDX-License-Identifier: Apache-2.0
#include "store/group_writer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace bowerbird::store {
namespace {

constexpr size_t kLongestQueue = 1024;
// More in one group would make the first of them wait for long, and gain nothing: the sync is by
// then a small part of the work.
constexpr size_t kLargestGroup = 256;

}  // namespace

GroupWriter::GroupWriter(std::unique_ptr<WriteSession> session) : session_(std::move(session)) {
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "db-write");
}

GroupWriter::~GroupWriter() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  arrived_.NotifyAll();
  room_.NotifyAll();
  thread_.join();
}

absl::Status GroupWriter::Write(const Database::Work& work) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    return Internal("a transaction cannot start another one");
  }
  Request request{.work = &work, .status = absl::OkStatus()};
  const MutexLock lock(mutex_);
  while (queue_.size() >= kLongestQueue && !stopping_) room_.Wait(mutex_);
  if (stopping_) return Unavailable("the database is being closed");
  queue_.push_back(&request);
  arrived_.NotifyOne();
  while (!request.done) request.finished.Wait(mutex_);
  return request.status;
}

void GroupWriter::Loop() {
  while (true) {
    const std::vector<Request*> group = TakeGroup();
    if (group.empty()) return;
    RunGroup(group);
    {
      const MutexLock lock(mutex_);
      for (Request* request : group) Finish(*request);
    }
  }
}

// Under the lock: the caller may drop the request as soon as it can see that it is done.
void GroupWriter::Finish(Request& request) {
  request.done = true;
  request.finished.NotifyOne();
}

// Empty when it is time to stop.
std::vector<GroupWriter::Request*> GroupWriter::TakeGroup() {
  const MutexLock lock(mutex_);
  while (queue_.empty() && !stopping_) arrived_.Wait(mutex_);
  if (stopping_) {
    for (Request* request : queue_) {
      request->status = Unavailable("the database is being closed");
      Finish(*request);
    }
    queue_.clear();
    return {};
  }
  const size_t count = std::min(queue_.size(), kLargestGroup);
  std::vector<Request*> group(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
  room_.NotifyAll();
  return group;
}

void GroupWriter::RunGroup(const std::vector<Request*>& group) {
  absl::Status status = session_->Prepare();
  if (status.ok()) status = session_->Begin();
  if (status.ok()) {
    for (Request* request : group) {
      if (RunOne(*request, group.size() == 1)) continue;
      status = Annotate(request->status, "another change of the same commit failed");
      break;
    }
    if (status.ok()) status = session_->Commit();
    if (!status.ok()) session_->Rollback();
  }
  if (status.ok()) return;
  for (Request* request : group) {
    if (request->status.ok()) request->status = status;
  }
}

bool GroupWriter::RunOne(Request& request, bool alone) {
  Connection& connection = session_->connection();
  if (!alone) {
    const auto saved = connection.Execute("SAVEPOINT one", {});
    if (!saved.ok()) {
      request.status = saved.status();
      return false;
    }
  }
  request.status = (*request.work)(connection);
  // Alone, an error ends the transaction itself; the caller's own error is what it is told.
  if (alone) return request.status.ok();
  if (!request.status.ok() && !connection.Execute("ROLLBACK TO SAVEPOINT one", {}).ok()) {
    return false;
  }
  return connection.Execute("RELEASE SAVEPOINT one", {}).ok();
}

}  // namespace bowerbird::store
