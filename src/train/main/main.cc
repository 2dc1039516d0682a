// SPDX-License-Identifier: Apache-2.0
//
// The trainer: one job a process. Progress is one JSON object a line on stdout, the last one
// {"done": ...} or {"error": ...}; SIGTERM and Ctrl-C ask for what can be finished soon.
#include <stdlib.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "base/file_system.h"
#include "base/status.h"
#include "train/detector_graph.h"
#include "train/job.h"
#include "train/neighbours.h"
#include "train/processor_time.h"

namespace {

namespace fs = std::filesystem;
using bowerbird::train::Task;
using bowerbird::train::TrainJob;
using nlohmann::ordered_json;

constexpr char kNoBase[] = "none";

volatile std::sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

void Print(const ordered_json& line) {
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

// A folder for files on the way, gone with this.
class WorkFolder {
 public:
  WorkFolder() : path_((fs::temp_directory_path() / "bowerbird-train-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr)
      status_ = bowerbird::ErrnoStatus(errno, "making a folder like " + path_);
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (status_.ok()) fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const absl::Status& status() const { return status_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  absl::Status status_;
};

absl::Status Run(TrainJob job, const std::string& out) {
  const auto files = bowerbird::MakeFileSystem();
  std::error_code ignored;
  if (fs::exists(out, ignored) && !fs::is_empty(out, ignored))
    return absl::AlreadyExistsError(out + " is there already: remove it, or name another --out");
  const WorkFolder work;
  RETURN_IF_ERROR(work.status());
  job.work = work.path();
  job.stopped = [] { return stop_asked != 0; };
  job.progress = Print;
  const auto trained = bowerbird::train::Train(*files, job);
  RETURN_IF_ERROR(trained.status());
  RETURN_IF_ERROR(bowerbird::train::WriteTrained(*files, out, *trained));
  Print({{"done", out},
         {"accuracy", trained->report.value("accuracy", ordered_json())},
         {"cross_validation", trained->report.value("cross_validation", ordered_json())},
         {"voc_ap50", trained->report.value("voc_ap50", ordered_json())},
         {"map", trained->report.value("map", ordered_json())},
         {"processor_seconds", bowerbird::train::ProcessorSeconds()}});
  return absl::OkStatus();
}

// What can be made of a base model, without training anything.
absl::Status Describe(const TrainJob& job) {
  ASSIGN_OR_RETURN(const auto embedding,
                   bowerbird::train::ReadEmbedding(job.base_path, job.embedding));
  const auto floats = bowerbird::train::ReadFloatGraph(job.base_path);
  Print({{"features", embedding.depth},
         {"width", embedding.size.width},
         {"height", embedding.size.height},
         {"taps", embedding.taps},
         {"detector", floats.ok() && bowerbird::train::FindDetectorEnds(*floats).ok()}});
  return absl::OkStatus();
}

absl::Status PrintNeighbours(bowerbird::train::NeighbourQuery query) {
  const WorkFolder work;
  RETURN_IF_ERROR(work.status());
  query.work = work.path();
  const auto files = bowerbird::MakeFileSystem();
  return bowerbird::train::FindNeighbours(*files, query, Print);
}

absl::Status Main(const TrainJob& job, const std::string& out, bool describe) {
  if (describe && job.base_path.empty())
    return bowerbird::InvalidArgument("give the base model to describe: --base FILE");
  if (describe) return Describe(job);
  if (job.data.directory.empty() || out.empty())
    return bowerbird::InvalidArgument("give a folder of labelled pictures, and --out");
  return Run(job, out);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, AskToStop);
  std::signal(SIGINT, AskToStop);
  TrainJob job;
  double minutes = 0;
  std::string out;
  CLI::App app{"Trains a classifier or a detector on a base model.", "bowerbird-train"};
  app.add_option("directory", job.data.directory, "The labelled pictures");
  std::string base = kNoBase;
  app.add_option("--base", base,
                 "The base model, a .tflite file; none: a small network learns from scratch")
      ->capture_default_str();
  app.add_option("--out", out, "The folder to make");
  bool describe = false;
  app.add_flag("--describe", describe, "Only say what can be made of the base model");
  app.add_option("--type", job.data.task, "What is learnt of a picture")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, Task>{{"single", Task::kSingleLabel},
                                                              {"multi", Task::kMultiLabel},
                                                              {"detection", Task::kDetection}}));
  app.add_option("--minutes", minutes, "Of processor time, at most")
      ->check(CLI::Range(0.05, 10000.0));
  app.add_option("--steps", job.steps, "Of training, instead of what the time allows")
      ->check(CLI::Range(1, 10000000));
  app.add_option("--side", job.side, "Of the pictures that a fine-tuned classifier sees")
      ->check(CLI::Range(28, 1024));
  app.add_option("--depth", job.depth, "Of the first maps of a network without a base")
      ->check(CLI::Range(4, 128));
  app.add_flag("--int8", job.int8,
               "Quantise the model, and keep that where it loses at most a point of its score");
  app.add_option("--format", job.data.format, "Of the labels (docs/data-formats.md)");
  app.add_option("--pictures", job.data.pictures, "The pictures' folder, where it is another");
  app.add_option("--seed", job.data.seed, "Of the split")->capture_default_str();
  app.add_option("--taps", job.embedding.taps, "Tensors of the base to use")->delimiter(',');
  app.add_option("--cache", job.cache, "A folder for features, for the next run");
  app.add_option("--threads", job.threads)->check(CLI::Range(1, 256))->capture_default_str();
  app.add_flag("--unknown", job.data.unknown, "Pictures without a label are UNKNOWN");
  app.add_flag("--force", job.data.force, "Go on with many pictures without a label");
  bowerbird::train::NeighbourQuery query;
  app.add_option("--neighbours", query.directory,
                 "A folder that was made: which of its training pictures are most like --picture");
  app.add_option("--picture", query.pictures, "Any number of files");
  app.add_option("--count", query.count, "Of neighbours")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.footer("Example:\n  bowerbird-train flowers/ --base mobilenet.tflite --out flowers-model");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  job.budget_seconds = 60 * minutes;
  if (base != kNoBase) job.base_path = base;
  const absl::Status status =
      query.directory.empty() ? Main(job, out, describe) : PrintNeighbours(std::move(query));
  if (status.ok()) return 0;
  Print({{"error", bowerbird::MessageOf(status)}});
  std::fprintf(stderr, "bowerbird-train: %s\n", bowerbird::MessageOf(status).c_str());
  return 1;
}
