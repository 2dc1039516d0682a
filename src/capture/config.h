// SPDX-License-Identifier: Apache-2.0
//
// What the machine config says about capture: the attributes of the data manager, and the methods
// to be captured, which stand in `service_configs` of each resource. Every key: docs/capture.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/attributes.h"
#include "machine/config.h"
#include "machine/name.h"
#include "nlohmann/json.hpp"

namespace bowerbird::capture {

struct ControlSensorConfig {
  std::string name, key;
};

// Where readings go beside their files.
struct MongoConfig {
  std::string uri;  // "mongodb://..." or "mongodb+srv://..."; may hold a password
  std::string database = "sensorData";
  std::string collection = "readings";
};

struct ManagerConfig {
  std::string capture_dir;
  std::vector<std::string> tags;
  bool capture_disabled = false;
  bool sync_disabled = false;
  std::chrono::nanoseconds sync_interval = std::chrono::seconds(6);
  std::vector<std::string> additional_sync_paths;
  std::chrono::milliseconds file_last_modified{10000};
  int sync_threads = 1;
  std::string selective_syncer;
  uint64_t max_capture_file_size = 262144;
  int delete_every_nth = 5;
  double disk_usage_threshold = 0.9;   // of the file system
  double capture_dir_threshold = 0.5;  // of the file system, taken by the capture folder
  std::optional<ControlSensorConfig> control_sensor;
  std::optional<MongoConfig> mongo;
};

// `default_dir`: where captures go that the config gives no place. INVALID_ARGUMENT names the
// attribute.
absl::StatusOr<ManagerConfig> ParseManagerConfig(const machine::Attributes& attributes,
                                                 const std::string& default_dir);

// A reason to keep a picture; see triggers.h for what each score is.
struct Condition {
  enum class Kind { kLeastConfidence, kMargin, kDisagreement, kMotion, kNovelty };
  Kind kind = Kind::kMotion;
  double threshold = 0;  // the picture is kept from this score on, 0..1
  std::string vision;    // the service that is asked; "" = the captured one
  std::string other;     // disagreement: the second service
  std::string model;     // novelty: an mlmodel whose output is the feature; "" = the descriptor

  friend bool operator==(const Condition&, const Condition&) = default;
};
std::string_view NameOf(Condition::Kind kind);  // "least_confidence"

struct CaptureWhen {
  bool all = false;  // every condition must hold, not just one
  std::vector<Condition> conditions;
  int max_per_hour = 0;  // 0: no limit

  friend bool operator==(const CaptureWhen&, const CaptureWhen&) = default;
};

struct CaptureMethod {
  machine::ResourceName resource;
  std::string method;
  double frequency_hz = 0;
  size_t queue_size = 250;
  nlohmann::json parameters = nlohmann::json::object();
  bool disabled = false;
  std::vector<std::string> tags;
  std::optional<CaptureWhen> when;

  // Resource, method and parameters: what a collector is known by.
  std::string Identity() const;
  friend bool operator==(const CaptureMethod&, const CaptureMethod&) = default;
};

struct CaptureMethods {
  std::vector<CaptureMethod> methods;
  std::vector<std::string> problems;  // of entries that are left out
};

// Of every resource and remote of `config`, in its order.
CaptureMethods ReadCaptureMethods(const machine::Config& config);

// Letters, digits, '-', '_'. INVALID_ARGUMENT names the tag.
absl::Status CheckTags(const std::vector<std::string>& tags);

}  // namespace bowerbird::capture
