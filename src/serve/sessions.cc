// SPDX-License-Identifier: Apache-2.0
#include "serve/sessions.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "serve/crypto.h"

namespace bowerbird::serve {

Sessions::Sessions(std::chrono::nanoseconds window, Clock clock)
    : clock_(std::move(clock)), window_(std::clamp(window, kMinWindow, kMaxWindow)) {}

void Sessions::SetWindow(std::chrono::nanoseconds window) {
  MutexLock lock(mutex_);
  window_ = std::clamp(window, kMinWindow, kMaxWindow);
}

absl::StatusOr<Sessions::Started> Sessions::Start(const std::string& owner, const std::string& peer,
                                                  const std::string& resume) {
  MutexLock lock(mutex_);
  DropExpired();
  if (const auto found = sessions_.find(resume);
      found != sessions_.end() && found->second.owner == owner) {
    found->second.deadline = clock_() + found->second.window;
    return Started{resume, found->second.window};
  }
  if (sessions_.size() >= kMaxSessions) {
    return ResourceExhausted("too many sessions are open (" + std::to_string(kMaxSessions) +
                             "): let some expire");
  }
  Started started{RandomUuid(), window_};
  sessions_.emplace(started.id, Session{owner, peer, window_, clock_() + window_});
  return started;
}

absl::StatusOr<const Sessions::Session*> Sessions::Find(const std::string& id,
                                                        const std::string& owner) const {
  const auto found = sessions_.find(id);
  // Somebody else's session looks like none: its id is no proof of anything.
  if (found == sessions_.end() || found->second.owner != owner ||
      found->second.deadline <= clock_())
    return InvalidArgument("SESSION_EXPIRED");
  return &found->second;
}

absl::Status Sessions::Heartbeat(const std::string& id, const std::string& owner) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(Find(id, owner).status());
  Session& session = sessions_.at(id);
  session.deadline = clock_() + session.window;
  return absl::OkStatus();
}

absl::Status Sessions::Check(const std::string& id, const std::string& owner) const {
  MutexLock lock(mutex_);
  return Find(id, owner).status();
}

std::vector<SessionInfo> Sessions::List() const {
  MutexLock lock(mutex_);
  const TimePoint now = clock_();
  std::vector<SessionInfo> list;
  for (const auto& [id, session] : sessions_) {
    if (session.deadline > now) list.push_back({id, session.peer});
  }
  return list;
}

void Sessions::DropExpired() {
  const TimePoint now = clock_();
  std::erase_if(sessions_, [now](const auto& entry) { return entry.second.deadline <= now; });
}

}  // namespace bowerbird::serve
