// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_process.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "machine/module/module_leftovers.h"
#include "machine/module/module_program.h"

namespace bowerbird::machine {
namespace {

constexpr std::chrono::milliseconds kSocketPoll{20};
// Between SIGTERM and SIGKILL: modules need seconds to take their resources down.
constexpr std::chrono::seconds kGrace{10};

}  // namespace

ModuleProcess::ModuleProcess(std::string name, std::string address)
    : name_(std::move(name)),
      address_(std::move(address)),
      client_(address_),
      output_(name_, LogLevel::kInfo),
      errors_(name_, LogLevel::kError) {}

ModuleProcess::~ModuleProcess() {
  if (child_ != nullptr) {
    Stop();
    child_->Interrupt();
  }
  if (reader_.joinable()) reader_.join();
  if (!tcp()) unlink(address_.c_str());  // some leave it
}

absl::StatusOr<std::shared_ptr<ModuleProcess>> ModuleProcess::Start(const Context& given,
                                                                    const ModuleConfig& module,
                                                                    const ModuleHost& host) {
  ASSIGN_OR_RETURN(const ModuleProgram program, FindModuleProgram(module, host.folders));
  ASSIGN_OR_RETURN(const ModuleLaunch launch, PlanLaunch(module, program, host));
  RETURN_IF_ERROR(RunFirst(given, module, program, launch.environment));
  const Context context = given.WithTimeout(host.start_time);
  std::shared_ptr<ModuleProcess> process(new ModuleProcess(module.name, launch.address));
  RETURN_IF_ERROR(process->Launch(launch));
  if (!launch.tcp()) RETURN_IF_ERROR(process->AwaitSocket(context));
  std::vector<std::string> faults;
  Context watched = context;
  watched.cancelled = [&] {
    return (context.cancelled && context.cancelled()) || !process->child_->running();
  };
  auto handlers = process->rpc_.AwaitReady(watched, host.parent_address, faults);
  for (const std::string& fault : faults)
    LogWarning("module", module.name + " names an API that makes no sense: " + fault);
  if (const auto end = process->child_->Wait(Subprocess::Deadline::min()))
    return process->Ended(*end);
  RETURN_IF_ERROR(Annotate(handlers.status(), "module \"" + module.name + "\" is not ready"));
  process->handlers_ = *std::move(handlers);
  for (ModuleHandler& handler : process->handlers_) {
    handler.description = ServiceDescription::Ask(watched, process->client_, handler.proto_service);
  }
  return process;
}

absl::Status ModuleProcess::Launch(const ModuleLaunch& launch) {
  Subprocess::Options options;
  options.argv = launch.argv;
  options.name = name_;
  options.environment = launch.environment;
  options.directory = launch.directory;
  options.grace = kGrace;
  options.on_stderr = [this](std::string_view bytes) { errors_.Add(bytes); };
  options.limits = launch.limits;
  ASSIGN_OR_RETURN(child_, Subprocess::Start(std::move(options)));
  if (launch.nice > 0) setpriority(PRIO_PGRP, static_cast<id_t>(child_->pid()), launch.nice);
  reader_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "module-output");
    ReadOutput();
  });
  return absl::OkStatus();
}

void ModuleProcess::ReadOutput() {
  std::array<char, 4096> buffer;
  while (true) {
    const auto count = child_->Read(buffer);
    if (!count.ok() || *count == 0) return;
    output_.Add(std::string_view(buffer.data(), *count));
  }
}

absl::Status ModuleProcess::AwaitSocket(const Context& context) const {
  std::error_code error;
  while (!std::filesystem::exists(address_, error)) {
    if (absl::Status status = context.Check(); !status.ok())
      return Annotate(status, "module \"" + name_ + "\" does not listen at " + address_);
    const auto end =
        child_->Wait(std::chrono::steady_clock::now() + std::chrono::nanoseconds(kSocketPoll));
    if (end) return Ended(*end);
  }
  return absl::OkStatus();
}

absl::Status ModuleProcess::Ended(const ExitStatus& status) const {
  const std::string last = child_->LastStderrLine();
  return Unavailable("module \"" + name_ + "\" " + status.ToString() + " before it was ready" +
                     (last.empty() ? "" : ": " + last));
}

std::optional<ExitStatus> ModuleProcess::Wait(
    std::chrono::steady_clock::time_point deadline) const {
  return child_->Wait(deadline);
}

void ModuleProcess::Stop() {
  child_->Kill();
  const int left = KillLeftovers(address_);
  if (left > 0)
    LogWarning("module", name_ + " left " + std::to_string(left) + " processes behind: ended");
}

}  // namespace bowerbird::machine
