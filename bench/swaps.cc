// SPDX-License-Identifier: Apache-2.0
//
// A model service replaced again and again while it is called, through the machine's config, as a
// new version comes into use in earnest. Two figures:
//   swaps         calls that failed
//   swaps_memory  MiB by which the process has grown from after the warm-up to after the last swap,
//                 both after malloc_trim
// usage: bench_swaps FIRST.tflite SECOND.tflite [SWAPS]
#include <malloc.h>
#include <stdlib.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "bench/measure.h"
#include "machine/catalog.h"
#include "machine/machine.h"

namespace bowerbird::bench {
namespace {

constexpr int kCallers = 3;
constexpr int kWarmUpSwaps = 50;
constexpr double kMostGrowthMb = 5;

// Memory of the process that no file backs.
double AnonymousMb() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stod(line.substr(8)) / 1024;
  }
  return 0;
}

class Subject {
 public:
  Subject(std::string first, std::string second)
      : files_{std::move(first), std::move(second)},
        data_dir_(MakeDataDir()),
        catalog_(Models()),
        machine_(catalog_, metrics_, data_dir_) {}
  ~Subject() { std::filesystem::remove_all(data_dir_); }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  // Puts the other file into use; false if that did not work.
  bool Swap() {
    const nlohmann::json json = {{"services",
                                  {{{"name", "m"},
                                    {"type", "mlmodel"},
                                    {"model", "tflite_cpu"},
                                    {"attributes", {{"model_path", files_[next_]}}}}}}};
    next_ = 1 - next_;
    auto config = machine::ParseConfig(json.dump(), {"bench.json", "", nullptr});
    if (!config.ok()) return false;
    machine_.Apply(*std::move(config));
    if (!machine_.WaitUntilApplied(Context().WithTimeout(std::chrono::seconds(60))).ok()) {
      return false;
    }
    const auto status = machine_.Status();
    return status.resources.size() == 1 &&
           status.resources[0].state == machine::ResourceState::kReady;
  }

  // As a service does it: find, lease, fill, invoke, read.
  absl::Status Call() const {
    const auto found = machine_.FindAs<machine::MlModel>("m");
    if (!found.ok()) return found.status();
    const infer::Model& model = (*found)->model();
    auto lease = model.Acquire({});
    if (!lease.ok()) return lease.status();
    for (size_t i = 0; i < model.metadata().inputs.size(); ++i) {
      const auto memory = (*lease)->Input(static_cast<int>(i));
      std::fill(memory.begin(), memory.end(), std::byte{0});
    }
    if (auto status = (*lease)->Invoke({}); !status.ok()) return status;
    const auto output = (*lease)->Output(0).bytes;
    return std::vector<std::byte>(output.begin(), output.end()).empty()
               ? absl::InternalError("no output")
               : absl::OkStatus();
  }

 private:
  static std::string MakeDataDir() {
    std::string pattern = std::filesystem::temp_directory_path() / "bench_swaps.XXXXXX";
    return mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  static machine::Catalog& Models() {
    static machine::Catalog& catalog = *new machine::Catalog();
    machine::RegisterBuiltins(catalog);
    return catalog;
  }

  const std::string files_[2];
  size_t next_ = 0;
  const std::string data_dir_;
  Metrics metrics_;
  const machine::Catalog& catalog_;
  machine::Machine machine_;
};

struct Result {
  int calls = 0;
  int failed = 0;
  bool all_swapped = true;
  double seconds = 0;
};

Result SwapUnderLoad(Subject& subject, int swaps) {
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::atomic<int> failed = 0;
  Result result;
  const auto start = Clock::now();
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        while (!stop) {
          const absl::Status status = subject.Call();
          ++calls;
          if (!status.ok() && failed++ == 0) {
            std::fprintf(stderr, "swaps: %s\n", status.ToString().c_str());
          }
        }
      });
    }
    for (int i = 0; i < swaps; ++i) result.all_swapped &= subject.Swap();
    stop = true;
  }
  result.calls = calls;
  result.failed = failed;
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

int Measure(const std::string& first, const std::string& second, int swaps) {
  Subject subject(first, second);
  if (!subject.Swap()) {
    std::fprintf(stderr, "swaps: %s cannot be loaded\n", first.c_str());
    return 1;
  }
  SwapUnderLoad(subject, kWarmUpSwaps);
  const double before = AnonymousMb();
  const Result result = SwapUnderLoad(subject, swaps);
  if (!result.all_swapped) {
    std::fprintf(stderr, "swaps: a version did not come into use\n");
    return 1;
  }
  // What was replaced last goes on a thread of its own.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double after = AnonymousMb();
  Print("swaps",
        {{"unit", "failed calls"},
         {"swaps", swaps},
         {"calls", result.calls},
         {"callers", kCallers},
         {"seconds", result.seconds}},
        result.failed, 0, /*smaller_is_better=*/true);
  Print("swaps_memory", {{"unit", "MiB"}, {"swaps", swaps}, {"before", before}, {"after", after}},
        after - before, kMostGrowthMb, /*smaller_is_better=*/true);
  return 0;
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_swaps FIRST.tflite SECOND.tflite [SWAPS]\n");
    return 2;
  }
  const int swaps = argc > 3 ? std::atoi(argv[3]) : 1000;
  return bowerbird::bench::Measure(argv[1], argv[2], swaps);
}
