// SPDX-License-Identifier: Apache-2.0
#include "machine/module/supervised_module.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "base/status.h"
#include "machine/module/resource_client.h"

namespace bowerbird::machine {
namespace {

using std::chrono::steady_clock;

constexpr char kLogger[] = "module";
constexpr std::chrono::seconds kRestartPause{5};
constexpr std::chrono::seconds kRemoveTime{5};
constexpr std::chrono::seconds kReleaseTime{10};
constexpr std::chrono::milliseconds kLook{50};

// A resource that a module has built, until nobody uses it.
class AddedResource {
 public:
  AddedResource(std::shared_ptr<ModuleProcess> process, ResourceName name)
      : process_(std::move(process)), name_(std::move(name)) {}
  ~AddedResource() {
    if (!process_->running()) return;
    const absl::Status status = process_->rpc().Remove(Context().WithTimeout(kRemoveTime), name_);
    if (!status.ok() && process_->running())
      LogWarning(kLogger, process_->name() + " does not let " + name_.ToString() +
                              " go: " + MessageOf(status));
  }
  AddedResource(const AddedResource&) = delete;
  AddedResource& operator=(const AddedResource&) = delete;

 private:
  const std::shared_ptr<ModuleProcess> process_;
  const ResourceName name_;
};

absl::StatusOr<std::shared_ptr<Resource>> BuildResource(
    const std::shared_ptr<ModuleProcess>& process, const ModuleHandler& handler,
    const BuildRequest& request) {
  const std::string who = "module \"" + process->name() + "\"";
  RETURN_IF_ERROR(
      Annotate(process->rpc().Add(request.context, request.config, request.dependency_names), who));
  ResourceAddress address{.client = std::shared_ptr<const RpcClient>(process, &process->client()),
                          .name = request.config.name,
                          .proto_service = handler.proto_service,
                          .description = handler.description,
                          .life = std::make_shared<AddedResource>(process, request.config.name)};
  auto resource = MakeResourceClient(request.context, std::move(address));
  return resource.ok() ? std::move(resource) : Annotate(resource.status(), who);
}

// The entry does not keep the process: what it has built does.
ModelEntry EntryFor(const ModuleHandler& handler, const ModelName& model,
                    const std::weak_ptr<ModuleProcess>& weak) {
  const auto ended = [] { return Unavailable("the module has ended"); };
  ModelEntry entry;
  entry.api = handler.api;
  entry.model = model;
  entry.exclusive = true;
  entry.validate = [weak, ended](const ResourceConfig& config,
                                 const Attributes&) -> absl::StatusOr<std::vector<std::string>> {
    const auto process = weak.lock();
    if (process == nullptr) return ended();
    return process->rpc().Validate(Context(), config);
  };
  entry.build = [weak, ended, handler](
                    const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    const auto process = weak.lock();
    if (process == nullptr) return ended();
    return BuildResource(process, handler, request);
  };
  return entry;
}

}  // namespace

SupervisedModule::SupervisedModule(const ModuleConfig& config, const ModuleHost& host,
                                   Catalog& catalog)
    : config_(config), host_(host), catalog_(catalog) {
  {
    const MutexLock lock(mutex_);
    status_.name = config.name;
    status_.last_updated = std::chrono::system_clock::now();
  }
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "module");
    Run();
  });
}

SupervisedModule::~SupervisedModule() {
  Stop();
  thread_.join();
}

void SupervisedModule::Stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

void SupervisedModule::Restart() {
  const MutexLock lock(mutex_);
  restarting_ = true;
  changed_.NotifyAll();
}

ModuleStatus SupervisedModule::Status() const {
  const MutexLock lock(mutex_);
  return status_;
}

bool SupervisedModule::MustEnd() const {
  const MutexLock lock(mutex_);
  return stopping_ || restarting_;
}

void SupervisedModule::Fail(const std::string& error) {
  LogError(kLogger, error);
  const MutexLock lock(mutex_);
  status_.state = ModuleState::kFailed;
  status_.last_updated = std::chrono::system_clock::now();
  status_.error = error;
  ++status_.failures;
}

// A program that ends is tried again soon; what is not there or is refused costs more to try and
// seldom mends itself.
std::chrono::nanoseconds SupervisedModule::PauseAfterFailure() const {
  const MutexLock lock(mutex_);
  return kRestartPause * (no_process_ ? std::clamp(status_.failures, 1, 12) : 1);
}

void SupervisedModule::Run() {
  while (true) {
    // After a crash at once; where it did not even start, not in a loop.
    const bool was_ready = RunOnce();
    const auto next = steady_clock::now() + PauseAfterFailure();
    const MutexLock lock(mutex_);
    while (!stopping_ && !restarting_ && !was_ready && steady_clock::now() < next)
      changed_.WaitUntil(mutex_, next);
    if (stopping_) return;
    restarting_ = false;
  }
}

bool SupervisedModule::RunOnce() {
  std::shared_ptr<ModuleProcess> process = StartProcess();
  if (process == nullptr) return false;
  AddModels(process, /*first=*/true);
  const bool crashed = AwaitEnd(process);
  RemoveModels();
  if (crashed) {
    process->Stop();
    Fail("module \"" + config_.name + "\" " + process->Wait(steady_clock::now())->ToString() +
         "; it is started again");
    return true;
  }
  AwaitRelease(process);
  process->Stop();
  return true;
}

std::shared_ptr<ModuleProcess> SupervisedModule::StartProcess() {
  Context context;
  context.cancelled = [this] { return MustEnd(); };
  auto started = ModuleProcess::Start(context, config_, host_);
  if (!started.ok()) {
    if (!MustEnd()) Fail(MessageOf(started.status()));
    const MutexLock lock(mutex_);
    no_process_ =
        !absl::IsUnavailable(started.status()) && !absl::IsDeadlineExceeded(started.status());
    return nullptr;
  }
  LogInfo(kLogger, config_.name + " is ready");
  const MutexLock lock(mutex_);
  status_.state = ModuleState::kReady;
  status_.last_updated = std::chrono::system_clock::now();
  status_.error.clear();
  status_.failures = 0;
  return *std::move(started);
}

void SupervisedModule::AddModels(const std::shared_ptr<ModuleProcess>& process, bool first) {
  for (const ModuleHandler& handler : process->handlers()) {
    for (const ModelName& model : handler.models) {
      const std::pair added(handler.api, model);
      if (const auto all = Status().models; std::ranges::find(all, added) != all.end()) continue;
      const MutexLock one_at_a_time(*host_.claims);
      if (catalog_.Generation(handler.api, model) != 0) {
        if (first)
          LogError(kLogger, config_.name + " brings " + model.ToString() + " of " +
                                handler.api.ToString() + ", which is there already: not taken");
        continue;
      }
      catalog_.Add(EntryFor(handler, model, process));
      const MutexLock lock(mutex_);
      status_.models.push_back(added);
    }
  }
}

void SupervisedModule::RemoveModels() {
  std::vector<std::pair<Api, ModelName>> models;
  {
    const MutexLock lock(mutex_);
    models.swap(status_.models);
    status_.state = ModuleState::kStarting;
  }
  for (const auto& [api, model] : models) catalog_.Remove(api, model);
}

bool SupervisedModule::AwaitEnd(const std::shared_ptr<ModuleProcess>& process) {
  while (!MustEnd()) {
    if (process->Wait(steady_clock::now() + kLook)) return true;
    AddModels(process, /*first=*/false);
  }
  return false;
}

// Resources are taken down while the module can still hear of it.
void SupervisedModule::AwaitRelease(const std::shared_ptr<ModuleProcess>& process) {
  const auto patience = steady_clock::now() + kReleaseTime;
  while (process.use_count() > 1 && process->running() && steady_clock::now() < patience)
    process->Wait(steady_clock::now() + kLook);
}

}  // namespace bowerbird::machine
