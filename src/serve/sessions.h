// SPDX-License-Identifier: Apache-2.0
//
// Sessions: how a client that moves things says that it is still there. It starts one, sends a
// heartbeat well within each window, and names the session (header "viam-sid") in its calls. A
// session whose window passed is gone; calls that name it fail with INVALID_ARGUMENT
// "SESSION_EXPIRED", which tells the client to start a new one.
//
// Expiry is worked out when a session is looked at, by the clock: no thread waits for it.
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace bowerbird::serve {

struct SessionInfo {
  std::string id;  // UUID
  std::string peer;
};

class Sessions {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Clock = std::function<TimePoint()>;

  static constexpr std::chrono::nanoseconds kDefaultWindow = std::chrono::seconds(2);
  static constexpr std::chrono::nanoseconds kMinWindow = std::chrono::milliseconds(30);
  static constexpr std::chrono::nanoseconds kMaxWindow = std::chrono::minutes(1);
  // Live sessions at once; more are refused with RESOURCE_EXHAUSTED.
  static constexpr size_t kMaxSessions = 1000;

  // A window outside of the limits is moved to the nearer one.
  explicit Sessions(std::chrono::nanoseconds window = kDefaultWindow,
                    Clock clock = std::chrono::steady_clock::now);

  // For sessions started from now on.
  void SetWindow(std::chrono::nanoseconds window);

  struct Started {
    std::string id;
    std::chrono::nanoseconds window;
  };
  // `owner`: who authenticated ("" where nobody has to). `resume`: a session to go on with, if it
  // is alive and the owner's; else a new one starts.
  absl::StatusOr<Started> Start(const std::string& owner, const std::string& peer,
                                const std::string& resume);

  absl::Status Heartbeat(const std::string& id, const std::string& owner);

  // Whether a call may go on in the name of this session. Not a heartbeat.
  absl::Status Check(const std::string& id, const std::string& owner) const;

  // The live ones, by id.
  std::vector<SessionInfo> List() const;

 private:
  struct Session {
    std::string owner;
    std::string peer;
    std::chrono::nanoseconds window;
    TimePoint deadline;
  };
  absl::StatusOr<const Session*> Find(const std::string& id, const std::string& owner) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropExpired() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock clock_;
  mutable Mutex mutex_;
  std::chrono::nanoseconds window_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Session> sessions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::serve
