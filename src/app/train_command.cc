// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/progress.h"
#include "app/train_base.h"
#include "app/train_jobs.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

using Json = nlohmann::json;

struct LocalOptions {
  std::string directory, out, base, type = "single", format;
  uint64_t seed = 0;
  int threads = 2, steps = 0;
  bool int8 = false;
  double minutes = 0;
  bool unknown = false, force = false, json = false;
};

std::vector<std::string> TrainerArguments(const LocalOptions& options, const std::string& base) {
  std::vector<std::string> argv = {"nice",
                                   "-n",
                                   "10",
                                   TrainerPath(),
                                   options.directory,
                                   "--base",
                                   base,
                                   "--out",
                                   options.out,
                                   "--type",
                                   options.type,
                                   "--seed",
                                   std::to_string(options.seed),
                                   "--threads",
                                   std::to_string(options.threads)};
  if (!options.format.empty()) argv.insert(argv.end(), {"--format", options.format});
  if (options.minutes > 0) argv.insert(argv.end(), {"--minutes", std::to_string(options.minutes)});
  if (options.int8) argv.emplace_back("--int8");
  if (options.steps > 0) argv.insert(argv.end(), {"--steps", std::to_string(options.steps)});
  if (options.unknown) argv.emplace_back("--unknown");
  if (options.force) argv.emplace_back("--force");
  return argv;
}

std::string Rounded(const Json& number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number.is_number() ? number.get<double>() : 0);
  return text;
}

// What the trainer tells, for people or as it comes.
class Tale {
 public:
  explicit Tale(bool json) : json_(json), live_(!json && isatty(STDERR_FILENO) != 0) {}

  void Add(std::string_view bytes) {
    for (const char byte : bytes) {
      if (byte != '\n') {
        line_.push_back(byte);
        continue;
      }
      Tell();
      line_.clear();
    }
  }
  const std::string& error() const { return error_; }

 private:
  void Tell() {
    const Json line = Json::parse(line_, nullptr, /*allow_exceptions=*/false);
    if (!line.is_object()) return;
    if (line.contains("error"))
      error_ = line["error"].is_string() ? line["error"].get<std::string>() : line_;
    if (json_) {
      std::printf("%s\n", line_.c_str());
      std::fflush(stdout);
      return;
    }
    if (line.contains("phase") && live_) {
      std::string text = line.value("phase", "");
      if (line.contains("total")) text += " " + line["done"].dump() + " of " + line["total"].dump();
      if (line.contains("loss")) text += ", loss " + Rounded(line["loss"]);
      if (line.contains("seconds_left")) text += ", " + Rounded(line["seconds_left"]) + " s left";
      std::fprintf(stderr, "\r\033[K%s", text.c_str());
    }
    if (line.contains("warning") && line["warning"].is_string())
      std::fprintf(stderr, "%s%s\n", live_ ? "\r\033[K" : "",
                   line["warning"].get<std::string>().c_str());
    if (line.contains("done") && line["done"].is_string()) Finish(line);
  }

  void Finish(const Json& line) const {
    if (live_) std::fprintf(stderr, "\r\033[K");
    const auto percent = [&](const char* key) {
      const Json::json_pointer at(key);
      return line.contains(at) && line[at].is_number() ? 100 * line[at].get<double>() : -1;
    };
    std::printf("%s", line["done"].get<std::string>().c_str());
    if (percent("/accuracy") >= 0)
      std::printf(": %.1f %% of the validation pictures right", percent("/accuracy"));
    if (percent("/cross_validation/accuracy") >= 0)
      std::printf(", %.1f %% of all in cross-validation", percent("/cross_validation/accuracy"));
    if (percent("/voc_ap50") >= 0)
      std::printf(": average precision %.1f %% on the validation pictures", percent("/voc_ap50"));
    if (percent("/map") >= 0)
      std::printf(": mean average precision %.1f %% on the validation pictures", percent("/map"));
    std::printf(" (%.1f s of processor time)\n", line.value("processor_seconds", 0.0));
  }

  const bool json_, live_;
  std::string line_, error_;
};

absl::Status TrainLocal(const LocalOptions& options) {
  ASSIGN_OR_RETURN(const std::string base, FindBase(options.base));
  Subprocess::Options child;
  child.argv = TrainerArguments(options, base);
  child.name = "bowerbird-train";
  child.environment = {{"OMP_WAIT_POLICY", "passive"}};
  child.grace = std::chrono::seconds(30);
  CatchInterrupts();
  ASSIGN_OR_RETURN(const std::unique_ptr<Subprocess> trainer, Subprocess::Start(std::move(child)));
  Tale tale(options.json);
  std::array<char, 4096> buffer;
  bool asked = false;
  while (true) {
    const auto count =
        trainer->Read(buffer, std::chrono::steady_clock::now() + std::chrono::milliseconds(200));
    if (count.ok() && *count == 0) break;
    if (count.ok()) tale.Add({buffer.data(), *count});
    if (!count.ok() && !absl::IsDeadlineExceeded(count.status())) return count.status();
    if (!Interrupted() || asked) continue;
    trainer->Signal(SIGTERM);  // it ends with what it has
    asked = true;
  }
  const ExitStatus end = *trainer->Wait();
  if (end.ok()) return absl::OkStatus();
  if (!tale.error().empty()) return FailedPrecondition(tale.error());
  return Internal("the trainer " + end.ToString() + ": " + trainer->LastStderrLine());
}

}  // namespace

CLI::App* RegisterTrain(CLI::App& app, int* exit_status) {
  CLI::App* train = app.add_subcommand("train", "Make models from labelled pictures");
  train->require_subcommand(1);
  RegisterTrainBase(*train, exit_status);
  RegisterTrainJobs(*train, exit_status);
  auto options = std::make_shared<LocalOptions>();
  CLI::App* local = train->add_subcommand("local", "From a folder, without any server");
  local->add_option("directory", options->directory, "A folder per class, VOC, COCO, CSV, ...")
      ->required();
  local->add_option("--out", options->out, "The folder to make")->required();
  local->add_option(
      "--base", options->base,
      "The model to start from: a .tflite file or the name of a kept one (default: the "
      "one called default), or none: a small network learns from scratch");
  local
      ->add_option("--type", options->type,
                   "single: one label a picture; multi: any number; detection: boxes")
      ->check(CLI::IsMember({"single", "multi", "detection"}))
      ->capture_default_str();
  local->add_option("--format", options->format, "Of the labels; default: found out");
  local->add_option("--seed", options->seed, "Of the split")->capture_default_str();
  local->add_option("--threads", options->threads)
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  local->add_option("--minutes", options->minutes, "Of processor time, at most")
      ->check(CLI::Range(0.05, 10000.0));
  local->add_flag("--int8", options->int8,
                  "Quantise the model, and keep that where it loses at most a point of its score");
  local->add_option("--steps", options->steps, "Of training, instead of what the time allows")
      ->check(CLI::Range(1, 10000000));
  local->add_flag("--unknown", options->unknown, "Pictures without a label are UNKNOWN");
  local->add_flag("--force", options->force, "Go on with many pictures without a label");
  local->add_flag("--json", options->json, "Each step as a JSON object a line");
  local->footer("Example:\n  bowerbird train local flowers/ --base mobilenet.tflite --out model");
  local->callback([options, exit_status] {
    const absl::Status status = TrainLocal(*options);
    if (!status.ok()) Fail(exit_status, "train: " + MessageOf(status));
  });
  return train;
}

}  // namespace bowerbird::app
