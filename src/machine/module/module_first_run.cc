// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "machine/config_sections.h"
#include "machine/module/line_log.h"
#include "machine/module/module_program.h"

namespace bowerbird::machine {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::hours kFirstRunTime{1};
constexpr std::chrono::milliseconds kLook{50};

absl::StatusOr<std::chrono::nanoseconds> TimeFor(const ModuleConfig& module) {
  const auto found = module.json.find("first_run_timeout");
  if (found == module.json.end() || found->is_null()) return kFirstRunTime;
  if (!found->is_string())
    return InvalidArgument(module.path + ".first_run_timeout is not a duration like \"10m\"");
  auto time = ParseDuration(found->get<std::string>());
  if (!time.ok()) return Annotate(time.status(), module.path + ".first_run_timeout");
  return time;
}

// Passes on what it writes until it ends, or nobody waits any more.
absl::Status Await(const Context& context, Subprocess& script, LineLog& output) {
  std::array<char, 4096> buffer;
  bool open = true;
  for (;;) {
    const auto end = script.Wait(open ? Subprocess::Deadline::min() : steady_clock::now() + kLook);
    absl::StatusOr<size_t> count = 0;
    // What was written before the end is there by now.
    do {
      if (!open) break;
      count = script.Read(buffer, end ? steady_clock::now() : steady_clock::now() + kLook);
      if (count.ok()) output.Add(std::string_view(buffer.data(), *count));
      open = !count.ok() || *count > 0;
    } while (count.ok() && context.Check().ok());
    if (end && end->ok()) return absl::OkStatus();
    if (end) {
      const std::string last = script.LastStderrLine();
      return FailedPrecondition(end->ToString() + (last.empty() ? "" : ": " + last));
    }
    RETURN_IF_ERROR(context.Check());
  }
}

}  // namespace

absl::Status RunFirst(const Context& context, const ModuleConfig& module,
                      const ModuleProgram& program,
                      const std::vector<std::pair<std::string, std::string>>& environment) {
  if (program.first_run.empty()) return absl::OkStatus();
  const std::filesystem::path marker = program.root + ".first_run_succeeded";
  std::error_code error;
  if (std::filesystem::exists(marker, error)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto time, TimeFor(module));
  const std::string who = "module \"" + module.name + "\": first_run " + program.first_run;
  LogInfo("module", who);
  LineLog output(module.name, LogLevel::kInfo), errors(module.name, LogLevel::kError);
  Subprocess::Options options;
  options.argv = {program.first_run};
  options.name = module.name;
  options.environment = environment;
  options.directory = program.root;
  options.on_stderr = [&errors](std::string_view bytes) { errors.Add(bytes); };
  ASSIGN_OR_RETURN(const auto script, Subprocess::Start(std::move(options)));
  const absl::Status status = Await(context.WithTimeout(time), *script, output);
  script->Kill();
  RETURN_IF_ERROR(Annotate(status, who));
  std::ofstream(marker) << "";
  return absl::OkStatus();
}

}  // namespace bowerbird::machine
