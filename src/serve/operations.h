// SPDX-License-Identifier: Apache-2.0
//
// The calls that run now, by operation id: what GetOperations lists, CancelOperation cancels and
// BlockForOperation waits for. Thread-safe; outlives every call.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/context.h"
#include "base/mutex.h"

namespace bowerbird::serve {

struct OperationInfo {
  std::string id;      // UUID; the client finds it in the response header "opid"
  std::string method;  // "/viam.component.camera.v1.CameraService/GetImages"
  std::string session_id;
  std::string peer;  // "192.168.1.7:51334"
  std::chrono::system_clock::time_point started;
};

class OperationRegistry {
  struct State;

 public:
  // A place in the list, from construction to destruction.
  class Operation {
   public:
    ~Operation();
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    const OperationInfo& info() const;
    // True once Cancel was called for it.
    bool cancelled() const;
    // Takes the operation off the list. After it has returned, `cancel` is never called again and
    // does not run. Called by the destructor.
    void End();

   private:
    friend class OperationRegistry;
    Operation(OperationRegistry& registry, std::shared_ptr<State> state)
        : registry_(registry), state_(std::move(state)) {}

    OperationRegistry& registry_;
    std::shared_ptr<State> state_;  // shared with a Cancel under way
  };

  // Lists a new operation; id and start are set here. `cancel` (may be empty) is called at most
  // once, from the thread of Cancel, without any lock of this class; it must not block.
  std::unique_ptr<Operation> Begin(OperationInfo info, std::function<void()> cancel);

  // Oldest first, without the one named `except_id` (the caller's own).
  std::vector<OperationInfo> List(const std::string& except_id = "") const;

  // False if no such operation runs: it ended before, or never was. Does not wait for its end.
  bool Cancel(const std::string& id);

  // Returns when the operation has ended (at once if it does not run), or the context's status.
  absl::Status WaitUntilEnded(const Context& context, const std::string& id) const;

 private:
  void Remove(const std::string& id);

  mutable Mutex mutex_;
  mutable CondVar ended_;
  std::map<std::string, std::shared_ptr<State>> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::serve
