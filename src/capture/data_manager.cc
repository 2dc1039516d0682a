// SPDX-License-Identifier: Apache-2.0
#include "capture/data_manager.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "capture/capture_files.h"
#include "capture/control.h"
#include "capture/disk_keeper.h"
#include "capture/readers.h"
#include "capture/trigger.h"

namespace bowerbird::capture {
namespace {

using machine::Json;

constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::seconds kDiskCheck{30};

std::string RandomName() {
  std::random_device device;
  std::string name;
  for (int i = 0; i < 4; ++i) {
    const uint32_t word = device();
    for (int shift = 28; shift >= 0; shift -= 4) name += "0123456789abcdef"[(word >> shift) & 15];
  }
  return name;
}

// As folders of a path: what syncs later finds them there.
absl::StatusOr<std::string> LabelFolders(const std::string& name,
                                         const std::vector<std::string>& values) {
  std::string folders;
  for (const std::string& value : values) {
    if (value.empty() || value.size() > 200 || value.find('/') != std::string::npos ||
        value.find('\0') != std::string::npos)
      return InvalidArgument("\"" + value + "\" is no " + name);
    folders += "/" + name + "=" + value;
  }
  return folders;
}

}  // namespace

absl::StatusOr<std::shared_ptr<DataManager>> DataManager::Start(
    ManagerConfig config, const CaptureHost& host, const machine::ResourceFinder& finder) {
  FileSystem& files = *host.options().files;
  const auto made = files.MakeDirectories(config.capture_dir, 0700);
  if (!made.ok()) return Annotate(made, "capture_dir");
  RecoverOpenFiles(files, config.capture_dir);
  return std::shared_ptr<DataManager>(new DataManager(std::move(config), host, finder));
}

DataManager::DataManager(ManagerConfig config, const CaptureHost& host,
                         const machine::ResourceFinder& finder)
    : config_(std::move(config)),
      host_(host),
      finder_(finder),
      files_(*host.options().files),
      queue_(std::make_unique<WriteQueue>(files_, *host.options().metrics)),
      control_errors_("capture", std::chrono::minutes(1)),
      sequences_(files_, config_.capture_dir),
      selective_errors_("sync", std::chrono::minutes(1)) {
  SyncerOptions sync;
  sync.config = config_;
  sync.hub = host_.options().hub;
  sync.flush = [this] { queue_->Flush(); };
  if (!config_.selective_syncer.empty()) sync.may_sync = [this] { return MaySync(); };
  syncer_ = std::make_unique<Syncer>(files_, *host_.options().metrics, std::move(sync));
  StartMongo();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "capture");
    Run();
  });
}

DataManager::~DataManager() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  thread_.join();
  // The syncer asks the queue to flush: it goes first.
  syncer_.reset();
  std::map<std::string, std::unique_ptr<Collector>> collectors;
  {
    MutexLock lock(mutex_);
    collectors.swap(collectors_);
  }
  collectors.clear();
  queue_.reset();
  mongo_.reset();
}

// Without it readings are captured all the same.
void DataManager::StartMongo() {
  if (!config_.mongo.has_value()) return;
  auto writer = StartMongoWriter(*config_.mongo, *host_.options().metrics);
  if (writer.ok()) {
    mongo_ = *std::move(writer);
    return;
  }
  mongo_error_ = MessageOf(writer.status());
  LogWarning("mongo", mongo_error_);
}

Context DataManager::StopContext() const {
  Context context;
  context.cancelled = [this] { return stopping_.load(); };
  context.from_data_management = true;
  return context;
}

void DataManager::Run() {
  auto next_disk_check = std::chrono::steady_clock::now() + kDiskCheck;
  for (;;) {
    const auto wanted = host_.wanted();
    if (wanted->version != seen_version_) {
      seen_version_ = wanted->version;
      told_.clear();
      {
        MutexLock lock(mutex_);
        problems_.clear();
      }
      for (const std::string& problem : wanted->capture.problems) Tell(problem);
    }
    if (!config_.capture_disabled) Reconcile(WantedNow(*wanted));
    const auto now = std::chrono::steady_clock::now();
    if (!config_.capture_disabled && now >= next_disk_check) {
      const auto kept = KeepDiskFree(files_, config_);
      if (!kept.ok()) control_errors_.Report(kept.status());
      next_disk_check = now + kDiskCheck;
    }
    MutexLock lock(mutex_);
    if (!stopping_) stop_.WaitFor(mutex_, kTick);
    if (stopping_) return;
  }
}

// What the config wants, changed by the control sensor.
std::vector<CaptureMethod> DataManager::WantedNow(const Wanted& wanted) {
  const auto& configured = wanted.capture.methods;
  if (!config_.control_sensor.has_value()) return configured;
  const std::string& name = config_.control_sensor->name;
  const std::string& key = config_.control_sensor->key;
  const auto reading = [&]() -> absl::StatusOr<Json> {
    ASSIGN_OR_RETURN(const auto sensor, finder_.FindAs<machine::Sensor>(name));
    return sensor->GetReadings(StopContext(), Json::object());
  }();
  FollowSequences(reading);
  const auto changed =
      reading.ok() ? ApplyControl(configured, *reading, key, wanted.names) : reading.status();
  if (changed.ok()) return *changed;
  if (!stopping_)
    control_errors_.Report(
        Annotate(changed.status(), "capture_control_sensor " + name + ": the config holds"));
  return configured;
}

// What the sensor does not name, or cannot, is not open.
void DataManager::FollowSequences(const absl::StatusOr<Json>& reading) {
  if (!reading.ok()) return sequences_.Update({});
  const auto wanted = ReadSequences(*reading);
  if (!wanted.ok())
    control_errors_.Report(
        Annotate(wanted.status(), "capture_control_sensor " + config_.control_sensor->name));
  sequences_.Update(wanted.ok() ? *wanted : std::vector<SequenceKey>());
}

void DataManager::Tell(const std::string& problem) {
  if (!told_.insert(problem).second) return;
  LogWarning("capture", problem);
  MutexLock lock(mutex_);
  problems_.push_back(problem);
}

bool DataManager::IsRunnable(const CaptureMethod& method) {
  if (method.disabled) return false;
  absl::Status status = CheckMethod(method);
  if (status.ok()) status = CheckTrigger(method);
  if (!status.ok()) Tell(MessageOf(status));
  return status.ok();
}

void DataManager::Reconcile(const std::vector<CaptureMethod>& wanted) {
  std::map<std::string, const CaptureMethod*> runnable;
  for (const CaptureMethod& method : wanted) {
    if (!IsRunnable(method)) continue;
    if (!runnable.emplace(method.Identity(), &method).second)
      Tell(method.resource.ToString() + " " + method.method +
           ": the same capture is configured twice: the first one counts");
  }
  // Stopped outside of the lock: it waits for a read and for the disk.
  std::vector<std::unique_ptr<Collector>> stopped;
  {
    MutexLock lock(mutex_);
    for (auto it = collectors_.begin(); it != collectors_.end();) {
      const auto kept = runnable.find(it->first);
      if (kept != runnable.end() && it->second->method() == *kept->second) {
        ++it;
        continue;
      }
      stopped.push_back(std::move(it->second));
      it = collectors_.erase(it);
    }
  }
  stopped.clear();
  for (const auto& [identity, method] : runnable) {
    {
      MutexLock lock(mutex_);
      if (collectors_.count(identity) > 0) continue;
    }
    CollectorOptions options{*method, config_.tags, {}};
    options.writer.capture_dir = config_.capture_dir;
    options.writer.max_file_size = config_.max_capture_file_size;
    options.mongo = mongo_.get();
    auto collector =
        std::make_unique<Collector>(std::move(options), finder_, *queue_, *host_.options().metrics);
    MutexLock lock(mutex_);
    collectors_.emplace(identity, std::move(collector));
  }
}

bool DataManager::MaySync() {
  const auto answer = [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto sensor, finder_.FindAs<machine::Sensor>(config_.selective_syncer));
    ASSIGN_OR_RETURN(const Json reading, sensor->GetReadings(StopContext(), Json::object()));
    if (!reading.is_object() || !reading.contains("should_sync") ||
        !reading.at("should_sync").is_boolean())
      return InvalidArgument("its reading has no \"should_sync\" that is true or false");
    return reading.at("should_sync").get<bool>();
  }();
  if (answer.ok()) return *answer;
  if (!stopping_)
    selective_errors_.Report(
        Annotate(answer.status(),
                 "selective_syncer_name " + config_.selective_syncer + ": nothing is synced"));
  return false;
}

absl::Status DataManager::Sync(const Context& context, const Json&) {
  return syncer_->SyncNow(context);
}

absl::Status DataManager::UploadBinaryToDatasets(const Context& context,
                                                 const machine::BinaryUpload& upload) {
  if (upload.bytes.empty())
    return InvalidArgument("binary_data is empty: there is nothing to send");
  ASSIGN_OR_RETURN(const std::string datasets, LabelFolders("dataset", upload.dataset_ids));
  ASSIGN_OR_RETURN(const std::string tags, LabelFolders("tag", upload.tags));
  const std::string folder =
      config_.capture_dir + "/" + std::string(kUploadFolder) + datasets + tags;
  const std::string path = folder + "/" + RandomName() + upload.file_extension;
  RETURN_IF_ERROR(files_.MakeDirectories(folder, 0700));
  RETURN_IF_ERROR(WriteFileDurably(files_, path, upload.bytes, 0600));
  // From here on the file is safe: it is sent now, or by a later round.
  const absl::Status sent = syncer_->SendNow(context, path);
  if (!sent.ok()) LogWarning("sync", path + " is sent later: " + MessageOf(sent));
  return absl::OkStatus();
}

absl::StatusOr<Json> DataManager::DoCommand(const Context& context, const Json& command) {
  const Json name =
      command.is_object() && command.contains("command") ? command.at("command") : Json();
  if (name == "status") return GetStatus(context);
  if (name != "flush")
    return InvalidArgument(
        "the data manager knows {\"command\": \"flush\"} and {\"command\": "
        "\"status\"}");
  queue_->Flush();
  return Json::object();
}

absl::StatusOr<Json> DataManager::GetStatus(const Context&) {
  Json collectors = Json::array();
  Json problems = Json::array();
  {
    MutexLock lock(mutex_);
    for (const auto& [identity, collector] : collectors_) {
      const auto status = collector->status();
      collectors.push_back({{"resource", collector->method().resource.ToString()},
                            {"method", collector->method().method},
                            {"capture_frequency_hz", collector->method().frequency_hz},
                            {"reads", status.reads},
                            {"errors", status.errors},
                            {"filtered", status.filtered},
                            {"not_kept", status.not_kept},
                            {"over_budget", status.over_budget},
                            {"records_written", status.writing.written},
                            {"records_lost", status.writing.failed},
                            {"records_waiting", status.writing.waiting},
                            {"last_error", status.last_error.empty() ? status.writing.last_error
                                                                     : status.last_error}});
    }
    for (const std::string& problem : problems_) problems.push_back(problem);
  }
  Json status{{"capture",
               {{"capture_dir", config_.capture_dir},
                {"disabled", config_.capture_disabled},
                {"collectors", std::move(collectors)},
                {"problems", std::move(problems)}}},
              {"sync", syncer_->Status()}};
  if (config_.mongo.has_value()) status["mongo"] = MongoStatus();
  return status;
}

Json DataManager::MongoStatus() const {
  if (mongo_ == nullptr) return Json{{"last_error", mongo_error_}};
  const MongoWriter::Status status = mongo_->status();
  return Json{{"readings_written", status.written},
              {"readings_failed", status.failed},
              {"readings_left_out", status.left_out},
              {"readings_waiting", status.waiting},
              {"last_error", status.last_error}};
}

}  // namespace bowerbird::capture
