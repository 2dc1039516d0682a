// SPDX-License-Identifier: Apache-2.0
//
// One run of a model's validate or build, on a thread of its own ("build"): it may take long, hang,
// or be no longer wanted, and must not hold up anything but itself.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/catalog.h"

namespace bowerbird::machine {

// Everything but the thread's own part is called by one owner.
class BuildJob {
 public:
  enum class Kind { kCheck, kBuild };

  struct Input {
    Kind kind = Kind::kCheck;
    ModelEntry entry;
    ResourceConfig config;
    std::map<std::string, std::shared_ptr<Resource>> dependencies;  // kBuild
    std::vector<std::string> dependency_names;                      // of these, in full
    const Environment* environment = nullptr;
    std::chrono::nanoseconds timeout{};
  };

  // `on_done` is called on the job's thread as its last act; where no thread can be had, at once.
  BuildJob(Input input, const std::function<void()>& on_done);
  // Cancels and waits: as long as a build that does not look at its context takes.
  ~BuildJob();

  Kind kind() const { return kind_; }
  std::chrono::steady_clock::time_point deadline() const { return deadline_; }

  void Cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }
  bool done() const { return done_.load(std::memory_order_acquire); }

  // Once done. The names that the resource needs, as validate gave them.
  const absl::StatusOr<std::vector<std::string>>& needs() const { return needs_; }
  // Once done, once.
  absl::StatusOr<std::shared_ptr<Resource>> TakeResource() { return std::move(resource_); }

 private:
  void Run(Input input);
  void Finish(const std::function<void()>& on_done);
  void Check(const Input& input);
  void Build(const Input& input);

  const Kind kind_;
  const std::chrono::steady_clock::time_point deadline_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> done_ = false;
  // Written by the thread before done_.
  absl::StatusOr<std::vector<std::string>> needs_;
  absl::StatusOr<std::shared_ptr<Resource>> resource_;
  std::thread thread_;
};

}  // namespace bowerbird::machine
