// SPDX-License-Identifier: Apache-2.0
//
// The trainer: one job a process. Progress is one JSON object a line on stdout, the last one
// {"done": ...} or {"error": ...}; SIGTERM and Ctrl-C ask for what can be finished soon.
#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "CLI/CLI.hpp"
#include "base/file_system.h"
#include "base/status.h"
#include "train/graft_job.h"

namespace {

using bowerbird::train::GraftJob;
using nlohmann::ordered_json;

volatile std::sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

void Print(const ordered_json& line) {
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

absl::Status Train(GraftJob job, const std::string& out) {
  const auto files = bowerbird::MakeFileSystem();
  std::string pattern =
      (std::filesystem::temp_directory_path() / "bowerbird-train-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    return bowerbird::ErrnoStatus(errno, "making a folder like " + pattern);
  job.work = pattern;
  job.stopped = [] { return stop_asked != 0; };
  job.progress = Print;
  const auto trained = bowerbird::train::TrainGraft(*files, job);
  std::error_code ignored;
  std::filesystem::remove_all(pattern, ignored);
  RETURN_IF_ERROR(trained.status());
  RETURN_IF_ERROR(bowerbird::train::WriteTrained(*files, out, *trained));
  Print({{"done", out},
         {"accuracy", trained->report.value("accuracy", ordered_json())},
         {"cross_validation", trained->report.value("cross_validation", ordered_json())},
         {"processor_seconds", ProcessorSeconds()}});
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, AskToStop);
  std::signal(SIGINT, AskToStop);
  GraftJob job;
  std::string out, type = "single";
  CLI::App app{"Trains a classifier on a frozen base model.", "bowerbird-train"};
  app.add_option("directory", job.data.directory, "The labelled pictures")->required();
  app.add_option("--base", job.base_path, "The base model, a .tflite file")->required();
  app.add_option("--out", out, "The folder to make")->required();
  app.add_option("--type", type, "Labels of a picture")->check(CLI::IsMember({"single", "multi"}));
  app.add_option("--format", job.data.format, "Of the labels (docs/data-formats.md)");
  app.add_option("--pictures", job.data.pictures, "The pictures' folder, where it is another");
  app.add_option("--seed", job.data.seed, "Of the split")->capture_default_str();
  app.add_option("--taps", job.embedding.taps, "Tensors of the base to use")->delimiter(',');
  app.add_option("--cache", job.cache, "A folder for features, for the next run");
  app.add_option("--threads", job.threads)->check(CLI::Range(1, 256))->capture_default_str();
  app.add_flag("--unknown", job.data.unknown, "Pictures without a label are UNKNOWN");
  app.add_flag("--force", job.data.force, "Go on with many pictures without a label");
  app.footer("Example:\n  bowerbird-train flowers/ --base mobilenet.tflite --out flowers-model");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  job.data.independent = type == "multi";
  const absl::Status status = Train(job, out);
  if (status.ok()) return 0;
  Print({{"error", bowerbird::MessageOf(status)}});
  std::fprintf(stderr, "bowerbird-train: %s\n", bowerbird::MessageOf(status).c_str());
  return 1;
}
