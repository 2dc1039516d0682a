// SPDX-License-Identifier: Apache-2.0
#include "capture/config.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <thread>
#include <utility>

#include "base/status.h"

namespace bowerbird::capture {
namespace {

using machine::Attributes;

constexpr double kSmallestInterval = 0.0001;  // minutes; what is below means the default
constexpr double kDefaultInterval = 0.1;
constexpr double kLongestInterval = 366.0 * 24 * 60;
constexpr int64_t kMaxMillis = int64_t{366} * 24 * 3600 * 1000;

std::string ExpandHome(const std::string& path) {
  if (path != "~" && path.rfind("~/", 0) != 0) return path;
  const char* home = std::getenv("HOME");
  return home == nullptr ? path : home + path.substr(1);
}

// Without slashes at its end: paths are made and compared by their text.
std::string Folder(std::string path) {
  path = ExpandHome(path);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

absl::Status ReadSync(const Attributes& attributes, ManagerConfig& config) {
  ASSIGN_OR_RETURN(config.sync_disabled, attributes.Bool("sync_disabled", false));
  ASSIGN_OR_RETURN(double minutes, attributes.Double("sync_interval_mins", 0, 0, kLongestInterval));
  if (minutes < kSmallestInterval) minutes = kDefaultInterval;
  config.sync_interval =
      std::chrono::nanoseconds(static_cast<int64_t>(minutes * 60 * 1'000'000'000));
  ASSIGN_OR_RETURN(config.additional_sync_paths, attributes.Strings("additional_sync_paths"));
  for (std::string& path : config.additional_sync_paths) path = Folder(path);
  ASSIGN_OR_RETURN(const int64_t quiet,
                   attributes.Int("file_last_modified_millis", 0, 0, kMaxMillis));
  if (quiet > 0) config.file_last_modified = std::chrono::milliseconds(quiet);
  ASSIGN_OR_RETURN(const int64_t threads, attributes.Int("maximum_num_sync_threads", 0, 0, 1000));
  const auto half = static_cast<int64_t>(std::thread::hardware_concurrency() / 2);
  config.sync_threads = static_cast<int>(std::clamp<int64_t>(threads > 0 ? threads : half, 1, 64));
  ASSIGN_OR_RETURN(config.selective_syncer, attributes.String("selective_syncer_name"));
  return absl::OkStatus();
}

absl::Status ReadDeletion(const Attributes& attributes, ManagerConfig& config) {
  ASSIGN_OR_RETURN(const int64_t nth,
                   attributes.Int("delete_every_nth_when_disk_full", 5, 0, 1'000'000));
  if (nth > 0) config.delete_every_nth = static_cast<int>(nth);
  ASSIGN_OR_RETURN(const double used,
                   attributes.Double("disk_usage_deletion_threshold", 0.9, 0, 1));
  if (used > 0) config.disk_usage_threshold = used;
  ASSIGN_OR_RETURN(const double own,
                   attributes.Double("capture_dir_deletion_threshold", 0.5, 0, 1));
  if (own > 0) config.capture_dir_threshold = own;
  return absl::OkStatus();
}

absl::Status ReadControl(const Attributes& attributes, ManagerConfig& config) {
  if (!attributes.Has("capture_control_sensor")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Attributes control, attributes.Object("capture_control_sensor"));
  ControlSensorConfig sensor;
  ASSIGN_OR_RETURN(sensor.name, control.RequiredString("name"));
  ASSIGN_OR_RETURN(sensor.key, control.RequiredString("key"));
  config.control_sensor = std::move(sensor);
  return absl::OkStatus();
}

absl::Status ReadMongo(const Attributes& attributes, ManagerConfig& config) {
  if (!attributes.Has("mongo_capture_config")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Attributes given, attributes.Object("mongo_capture_config"));
  MongoConfig mongo;
  ASSIGN_OR_RETURN(mongo.uri, given.String("uri"));
  ASSIGN_OR_RETURN(const std::string database, given.String("database"));
  ASSIGN_OR_RETURN(const std::string collection, given.String("collection"));
  if (!database.empty()) mongo.database = database;
  if (!collection.empty()) mongo.collection = collection;
  if (mongo.uri.empty()) return absl::OkStatus();  // not used
  // The URI may hold a password: it is not repeated.
  if (!mongo.uri.starts_with("mongodb://") && !mongo.uri.starts_with("mongodb+srv://"))
    return InvalidArgument(given.PathOf("uri") +
                           " begins neither with mongodb:// nor with mongodb+srv://");
  config.mongo = std::move(mongo);
  return absl::OkStatus();
}

absl::StatusOr<Condition> ReadCondition(const Attributes& entry) {
  ASSIGN_OR_RETURN(const std::string type, entry.Choice("type", "",
                                                        {"least_confidence", "margin",
                                                         "disagreement", "motion", "novelty"}));
  Condition condition;
  for (const auto kind :
       {Condition::Kind::kLeastConfidence, Condition::Kind::kMargin, Condition::Kind::kDisagreement,
        Condition::Kind::kMotion, Condition::Kind::kNovelty}) {
    if (NameOf(kind) == type) condition.kind = kind;
  }
  if (!entry.Has("threshold"))
    return entry.Error("threshold", "is missing: give the score from which a picture is kept");
  ASSIGN_OR_RETURN(condition.threshold, entry.Double("threshold", 0, 0, 1));
  ASSIGN_OR_RETURN(condition.vision, entry.String("vision"));
  ASSIGN_OR_RETURN(condition.other, entry.String("other"));
  ASSIGN_OR_RETURN(condition.model, entry.String("model"));
  if (condition.kind == Condition::Kind::kDisagreement && condition.other.empty())
    return entry.Error("other", "is missing: name the second vision service");
  return condition;
}

absl::StatusOr<CaptureWhen> ReadWhen(const Attributes& when) {
  if (when.Has("any") == when.Has("all"))
    return InvalidArgument(when.path() + ": needs a list of conditions, either \"any\" or \"all\"");
  CaptureWhen read;
  read.all = when.Has("all");
  const std::string key = read.all ? "all" : "any";
  const auto& list = when.json().at(key);
  if (!list.is_array() || list.empty()) return when.Error(key, "is not a list of conditions");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = when.PathOf(key) + "[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return InvalidArgument(path + " is not an object");
    ASSIGN_OR_RETURN(read.conditions.emplace_back(), ReadCondition(Attributes(list[i], path)));
  }
  ASSIGN_OR_RETURN(const int64_t budget, when.Int("max_per_hour", 0, 0, 100'000));
  read.max_per_hour = static_cast<int>(budget);
  return read;
}

bool TakesPictures(const CaptureMethod& method) {
  return method.method == "ReadImage" || method.method == "GetImages" ||
         method.method == "CaptureAllFromCamera";
}

absl::StatusOr<CaptureMethod> ReadMethod(const Attributes& entry) {
  CaptureMethod method;
  ASSIGN_OR_RETURN(method.method, entry.RequiredString("method"));
  ASSIGN_OR_RETURN(method.frequency_hz, entry.Double("capture_frequency_hz", 0, -1e9, 1e6));
  ASSIGN_OR_RETURN(const int64_t queue, entry.Int("capture_queue_size", 0, 0, 1'000'000));
  if (queue > 0) method.queue_size = static_cast<size_t>(queue);
  // The buffer of one file; here the kernel's does.
  RETURN_IF_ERROR(entry.Int("capture_buffer_size", 0, 0, int64_t{1} << 40).status());
  ASSIGN_OR_RETURN(const Attributes parameters, entry.Object("additional_params"));
  method.parameters = parameters.json();
  ASSIGN_OR_RETURN(method.disabled, entry.Bool("disabled", false));
  ASSIGN_OR_RETURN(method.tags, entry.Strings("tags"));
  RETURN_IF_ERROR(Annotate(CheckTags(method.tags), entry.PathOf("tags")));
  if (!entry.Has("capture_when")) return method;
  if (!TakesPictures(method))
    return entry.Error("capture_when", "needs a method that captures pictures");
  ASSIGN_OR_RETURN(const Attributes when, entry.Object("capture_when"));
  ASSIGN_OR_RETURN(method.when, ReadWhen(when));
  return method;
}

// The entries of one service config. `owner`: whose they are; null for a remote's, which name
// theirs.
void ReadEntries(const Attributes& attributes, const machine::ResourceName* owner,
                 CaptureMethods& read) {
  if (!attributes.Has("capture_methods")) return;
  const auto& list = attributes.json().at("capture_methods");
  if (!list.is_array()) {
    read.problems.push_back(attributes.PathOf("capture_methods") + " is not a list");
    return;
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = attributes.PathOf("capture_methods") + "[" + std::to_string(i) + "]";
    if (!list[i].is_object()) {
      read.problems.push_back(path + " is not an object");
      continue;
    }
    const Attributes entry(list[i], path);
    auto method = ReadMethod(entry);
    if (method.ok() && owner == nullptr) {
      const auto text = entry.RequiredString("name");
      const auto name = text.ok() ? machine::ResourceName::Parse(*text) : text.status();
      if (name.ok()) method->resource = *name;
      if (!name.ok()) method = Annotate(name.status(), path);
    } else if (method.ok()) {
      method->resource = *owner;
    }
    if (!method.ok()) {
      read.problems.push_back(MessageOf(method.status()));
      continue;
    }
    read.methods.push_back(*std::move(method));
  }
}

bool IsCapture(const std::string& type) {
  return type == "data_manager" || type == machine::kDataManagerApi.ToString();
}

void ReadRemote(const machine::RemoteConfig& remote, CaptureMethods& read) {
  const auto found = remote.json.find("service_configs");
  if (found == remote.json.end() || !found->is_array()) return;
  for (size_t i = 0; i < found->size(); ++i) {
    const std::string path = remote.path + ".service_configs[" + std::to_string(i) + "]";
    const Attributes one((*found)[i], path);
    const auto type = one.RequiredString("type");
    const auto attributes = one.Object("attributes");
    if (!type.ok()) read.problems.push_back(MessageOf(type.status()));
    if (!type.ok() || !IsCapture(*type)) continue;
    if (!attributes.ok()) read.problems.push_back(MessageOf(attributes.status()));
    if (attributes.ok()) ReadEntries(*attributes, nullptr, read);
  }
}

}  // namespace

std::string_view NameOf(Condition::Kind kind) {
  switch (kind) {
    case Condition::Kind::kLeastConfidence:
      return "least_confidence";
    case Condition::Kind::kMargin:
      return "margin";
    case Condition::Kind::kDisagreement:
      return "disagreement";
    case Condition::Kind::kMotion:
      return "motion";
    case Condition::Kind::kNovelty:
      return "novelty";
  }
  return "";
}

absl::Status CheckTags(const std::vector<std::string>& tags) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  for (const std::string& tag : tags) {
    if (tag.empty() || !std::all_of(tag.begin(), tag.end(), allowed))
      return InvalidArgument("\"" + tag + "\" is no tag: use letters, digits, '-' and '_'");
  }
  return absl::OkStatus();
}

absl::StatusOr<ManagerConfig> ParseManagerConfig(const Attributes& attributes,
                                                 const std::string& default_dir) {
  ManagerConfig config;
  ASSIGN_OR_RETURN(const std::string folder, attributes.String("capture_dir", ""));
  config.capture_dir = Folder(folder.empty() ? default_dir : folder);
  ASSIGN_OR_RETURN(config.tags, attributes.Strings("tags"));
  RETURN_IF_ERROR(Annotate(CheckTags(config.tags), attributes.PathOf("tags")));
  ASSIGN_OR_RETURN(config.capture_disabled, attributes.Bool("capture_disabled", false));
  ASSIGN_OR_RETURN(const int64_t size,
                   attributes.Int("maximum_capture_file_size_bytes", 0, 0, int64_t{1} << 30));
  if (size > 0) config.max_capture_file_size = static_cast<uint64_t>(size);
  RETURN_IF_ERROR(ReadSync(attributes, config));
  RETURN_IF_ERROR(ReadDeletion(attributes, config));
  RETURN_IF_ERROR(ReadControl(attributes, config));
  RETURN_IF_ERROR(ReadMongo(attributes, config));
  return config;
}

std::string CaptureMethod::Identity() const {
  return resource.ToString() + " " + method + " " + parameters.dump();
}

CaptureMethods ReadCaptureMethods(const machine::Config& config) {
  CaptureMethods read;
  for (const auto& resource : config.resources) {
    if (!resource.problem.ok()) continue;
    for (size_t i = 0; i < resource.service_configs.size(); ++i) {
      const auto& [type, attributes] = resource.service_configs[i];
      if (!IsCapture(type)) continue;
      ReadEntries(Attributes(attributes, resource.path + ".service_configs[" + std::to_string(i) +
                                             "].attributes"),
                  &resource.name, read);
    }
  }
  for (const auto& remote : config.remotes) ReadRemote(remote, read);
  return read;
}

}  // namespace bowerbird::capture
