// SPDX-License-Identifier: Apache-2.0
//
// Model `exec`: a program of the user's that prints one JSON object a line; the last one is the
// reading. The program is started without a shell, started again when it ends, with a growing
// pause, and ended with the resource.
#include <pthread.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

constexpr size_t kMaxLine = size_t{1} << 20;
constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{60};
// A program that ran so long was well: the pauses start anew.
constexpr std::chrono::seconds kLongRun{60};

struct ExecOptions {
  std::string name;
  std::vector<std::string> argv;
  std::string directory;
  std::vector<std::pair<std::string, std::string>> environment;
  double max_age_seconds = 0;  // 0: any age
};

// Thread "exec-NAME" starts the program and reads its lines.
class ExecSensor : public Sensor {
 public:
  explicit ExecSensor(ExecOptions options) : options_(std::move(options)) {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), ("exec-" + options_.name).substr(0, 15).c_str());
      Run();
    });
  }
  ~ExecSensor() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      if (child_ != nullptr) child_->Interrupt();
      changed_.NotifyAll();
    }
    thread_.join();
  }

  // The object that was printed last, and "age_seconds", how long ago.
  absl::StatusOr<Json> GetReadings(const Context&, const Json&) override {
    MutexLock lock(mutex_);
    if (reading_.is_null())
      return Unavailable(options_.argv.front() + " has printed no reading yet" +
                         (fault_.empty() ? "" : ": " + fault_));
    const std::chrono::duration<double> age = std::chrono::steady_clock::now() - read_at_;
    if (options_.max_age_seconds > 0 && age.count() > options_.max_age_seconds)
      return Unavailable("the last reading of " + options_.argv.front() + " is " +
                         std::to_string(age.count()) + " s old, more than max_age_seconds" +
                         (fault_.empty() ? "" : ": " + fault_));
    Json reading = reading_;
    reading["age_seconds"] = age.count();
    return reading;
  }

 private:
  void Run() {
    auto pause = kFirstPause;
    for (;;) {
      const auto started = std::chrono::steady_clock::now();
      const absl::Status ended = RunOnce();
      if (std::chrono::steady_clock::now() - started >= kLongRun) pause = kFirstPause;
      MutexLock lock(mutex_);
      child_.reset();
      if (stopping_) return;
      fault_ = MessageOf(ended);
      LogWarning("sensor/" + options_.name,
                 fault_ + "; started again in " + std::to_string(pause.count()) + " s");
      const auto until = std::chrono::steady_clock::now() + pause;
      while (!stopping_ && std::chrono::steady_clock::now() < until)
        changed_.WaitUntil(mutex_, until);
      if (stopping_) return;
      pause = std::min(2 * pause, kLongestPause);
    }
  }

  // Until the program has ended, for which the status is the reason.
  absl::Status RunOnce() {
    Subprocess::Options options;
    options.argv = options_.argv;
    options.name = options_.name;
    options.directory = options_.directory;
    options.environment = options_.environment;
    ASSIGN_OR_RETURN(auto started, Subprocess::Start(std::move(options)));
    Subprocess* child = started.get();
    {
      MutexLock lock(mutex_);
      child_ = std::move(started);
      if (stopping_) child_->Interrupt();
    }
    const absl::Status read = ReadLines(*child);
    if (!read.ok()) {
      child->Kill();
      return read;
    }
    // It has closed its output: nothing comes any more, whatever it does.
    const ExitStatus status = child->Kill();
    const std::string last = child->LastStderrLine();
    return Unavailable(options_.argv.front() + " " + status.ToString() +
                       (last.empty() ? "" : ": " + last));
  }

  absl::Status ReadLines(Subprocess& child) {
    std::string pending;
    std::array<char, 4096> buffer{};
    for (;;) {
      ASSIGN_OR_RETURN(const size_t size, child.Read(buffer));
      if (size == 0) return absl::OkStatus();
      pending.append(buffer.data(), size);
      for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        Take(std::string_view(pending).substr(0, end));
        pending.erase(0, end + 1);
      }
      if (pending.size() > kMaxLine)
        return InvalidArgument(options_.argv.front() + " printed a line of more than 1 MiB");
    }
  }

  void Take(std::string_view line) {
    Json reading = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    MutexLock lock(mutex_);
    if (!reading.is_object()) {
      if (!line.empty()) fault_ = "it printed a line that is no JSON object";
      return;
    }
    reading_ = std::move(reading);
    read_at_ = std::chrono::steady_clock::now();
    fault_.clear();
  }

  const ExecOptions options_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Subprocess> child_ ABSL_GUARDED_BY(mutex_);
  Json reading_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point read_at_ ABSL_GUARDED_BY(mutex_);
  std::string fault_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

absl::StatusOr<ExecOptions> ReadOptions(const std::string& name, const Attributes& attributes) {
  ExecOptions options;
  options.name = name;
  ASSIGN_OR_RETURN(options.argv, attributes.Strings("argv"));
  if (options.argv.empty() || options.argv.front().empty())
    return attributes.Error("argv", "is missing: give the program and its arguments as a list");
  ASSIGN_OR_RETURN(options.directory, attributes.String("directory"));
  ASSIGN_OR_RETURN(options.environment, attributes.StringMap("env"));
  ASSIGN_OR_RETURN(options.max_age_seconds, attributes.Double("max_age_seconds", 0, 0, 1e9));
  return options;
}

}  // namespace

void AddExecSensor(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kSensorApi;
  entry.model = {"rdk", "builtin", "exec"};
  // One program at a time: it may hold the hardware.
  entry.exclusive = true;
  entry.validate = [](const ResourceConfig& config,
                      const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(ReadOptions(config.name.name, attributes).status());
    return std::vector<std::string>();
  };
  entry.build = [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    ASSIGN_OR_RETURN(ExecOptions options,
                     ReadOptions(request.config.name.name, request.attributes));
    return std::make_shared<ExecSensor>(std::move(options));
  };
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
