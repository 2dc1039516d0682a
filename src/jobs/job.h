// SPDX-License-Identifier: Apache-2.0
//
// A training job as a value: what was asked for, where it stands, what it said.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/registry.h"

namespace bowerbird::jobs {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// The values are stored.
enum class JobStatus {
  kPending = 1,
  kInProgress = 2,
  kCompleted = 3,
  kFailed = 4,
  kCanceled = 5,
  kCanceling = 6,
};
// "pending", "in_progress", "completed", "failed", "canceled", "canceling".
std::string_view NameOf(JobStatus status);
constexpr bool HasEnded(JobStatus status) {
  return status == JobStatus::kCompleted || status == JobStatus::kFailed ||
         status == JobStatus::kCanceled;
}

// What a job may be told beyond the public API. The same choices, snapshot and program give the
// same model.
struct Choices {
  bool force = false;  // also where fewer than 80 % of the items are labeled
  uint64_t seed = 0;
  double minutes = 0;    // 0 = as long as it takes
  std::string base{};    // a name; "" = the server's default
  uint32_t steps = 0;    // of networks that are trained; 0 = what the minutes allow
  uint32_t threads = 0;  // 0 = the server's limit
  bool int8 = false;     // quantise the model where that loses little
};

struct NewJob {
  std::string dataset_id{};
  std::string model_name{}, model_version{};  // version "" = the time
  registry::ModelTask task = registry::ModelTask::kUnknown;
  std::vector<std::string> labels{};  // empty = all; others are then as if they were not there
  Choices choices{};
};

struct Job {
  std::string id{};
  std::string organization_id{}, created_by{};
  std::string hub{};  // that has its training set and runs it: see Jobs
  NewJob request{};   // with the version that it got
  std::string snapshot_id{};
  JobStatus status = JobStatus::kPending;
  absl::StatusCode error_code = absl::StatusCode::kOk;  // of kFailed
  std::string error{};
  Time created{}, modified{};
  std::optional<Time> started{}, ended{};
  uint32_t starts = 0;  // how often the trainer was started
  std::string program_version{};
  std::string base_hash{};  // of its base model, once it has ended well
  std::string report{};     // the trainer's report.json, once it is there
};

struct LogEntry {
  int64_t number = 0;  // rises within a job
  Time time{};
  std::string level{};  // "debug", "info", "warn", "error"
  std::string message{};
};

struct LogPage {
  std::vector<LogEntry> entries{};  // oldest first
  std::string next{};               // "" = that was all there is now
};

// A step of the trainer.
struct Point {
  int64_t number = 0;
  Time time{};
  std::string phase{};
  uint64_t step = 0, steps = 0;  // steps 0 = not known
  std::optional<double> loss{}, score{}, seconds_left{};
};

// A picture that is compared with those that a model learnt from.
struct NeighbourQuery {
  std::string image{};    // the bytes of a file; "" = that of the item
  std::string item_id{};  // "" = none
  uint32_t count = 5;     // 1..100
};

// A picture that a model learnt from.
struct Neighbour {
  struct Item {
    std::string id{};
    bool deleted = false;  // since then
  };
  std::vector<Item> items{};  // those with this content when it was trained
  std::string hash{};         // SHA-256 of its file, 64 hex digits
  std::vector<std::string> labels{};
  double distance = 0;  // 1 - cosine of the model's features: 0..2
};

}  // namespace bowerbird::jobs
