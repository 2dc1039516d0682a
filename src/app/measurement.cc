// SPDX-License-Identifier: Apache-2.0
#include "app/measurement.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/measure_model.h"
#include "base/status.h"
#include "base/subprocess.h"

namespace bowerbird::app {
namespace {

constexpr char kCommand[] = "measure-model";
constexpr std::chrono::seconds kTimeLimit{120};  // loading and timing of one variant
constexpr size_t kMaxAnswer = size_t{16} << 20;

absl::StatusOr<std::vector<std::string>> ArgumentsOf(const MeasureOptions& options) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return ErrnoStatus(error.value(), "read /proc/self/exe");
  std::vector<std::string> arguments = {self,          kCommand,
                                        "--variant",   options.variant,
                                        "--threads",   std::to_string(options.threads),
                                        "--instances", std::to_string(options.instances),
                                        "--seconds",   std::to_string(options.seconds)};
  if (!options.labels.empty()) {
    arguments.push_back("--labels");
    arguments.push_back(options.labels);
  }
  if (options.places) arguments.push_back("--places");
  arguments.push_back("--");  // a file may be named like an option
  arguments.push_back(options.model);
  return arguments;
}

absl::StatusOr<std::string> ReadAll(Subprocess& child, Subprocess::Deadline deadline) {
  std::string answer;
  std::array<char, 65536> buffer{};
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, child.Read(buffer, deadline));
    if (count == 0) return answer;
    answer.append(buffer.data(), count);
    if (answer.size() > kMaxAnswer) return Internal("the measuring process says too much");
  }
}

}  // namespace

void RegisterMeasureModel(CLI::App& app, int* exit_status) {
  CLI::App* command = app.add_subcommand(kCommand, "Measure one model for `bench` and `inspect`");
  command->group("");  // not in the help
  const auto options = std::make_shared<MeasureOptions>();
  command->add_option("model", options->model)->required();
  command->add_option("--variant", options->variant)
      ->check(CLI::IsMember({"ours", "plain", "plain_xnnpack"}));
  command->add_option("--labels", options->labels);
  command->add_option("--threads", options->threads);
  command->add_option("--instances", options->instances);
  command->add_option("--seconds", options->seconds);
  command->add_flag("--places", options->places);
  command->callback([options, exit_status] {
    const absl::StatusOr<nlohmann::ordered_json> result = MeasureHere(*options);
    if (!result.ok()) return Fail(exit_status, MessageOf(result.status()));
    // Model files may hold any bytes as names.
    const std::string line =
        result->dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    std::printf("%s\n", line.c_str());
  });
}

absl::StatusOr<nlohmann::ordered_json> Measure(const MeasureOptions& options) {
  Subprocess::Options start;
  ASSIGN_OR_RETURN(start.argv, ArgumentsOf(options));
  start.name = "measure";
  const Subprocess::Deadline deadline = std::chrono::steady_clock::now() + kTimeLimit;
  ASSIGN_OR_RETURN(const std::unique_ptr<Subprocess> child, Subprocess::Start(std::move(start)));
  const absl::StatusOr<std::string> answer = ReadAll(*child, deadline);
  if (!answer.ok()) return Annotate(answer.status(), "measuring " + options.model);
  const std::optional<ExitStatus> end = child->Wait(deadline);
  if (!end || end->signal != 0) {
    return FailedPrecondition("the model brought the runtime down (" +
                              (end ? end->ToString() : std::string("it hangs")) +
                              "): " + options.model);
  }
  if (!end->ok()) {
    std::string line = child->LastStderrLine();
    constexpr std::string_view kPrefix = "bowerbird: ";
    if (line.starts_with(kPrefix)) line.erase(0, kPrefix.size());
    return InvalidArgument(line.empty() ? end->ToString() : line);
  }
  auto parsed = nlohmann::ordered_json::parse(*answer, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return Internal("the measuring process gave no JSON");
  return parsed;
}

}  // namespace bowerbird::app
