// SPDX-License-Identifier: Apache-2.0
//
// A corpus of hostile model files: none of them may end the process that loads it, and each is
// refused with a reason or runs.  usage: model_corpus [--full]
//
// Most files are loaded by a worker that takes one after the other, without a probe. What the
// worker dies of, and a sample of the rest, is then loaded by this process with the probe: as a
// server would. If that brings this process down, the test has failed.
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "infer/model_facts.h"
#include "infer/probe.h"
#include "infer/probe_child.h"
#include "infer/synthetic_input.h"
#include "infer/tflite_model.h"
#include "model_mutants.h"

namespace bowerbird::robustness {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// More than this of one file is a hang. (Some shapes make honest work of minutes.)
constexpr std::chrono::seconds kOneFile{4};
constexpr size_t kSampled = 97;  // every how many-th file also goes through the probe
constexpr int kSkipped = 77;

// Loads and runs; how a caller would find it.
absl::Status LoadAndRun(const std::string& path, const infer::ModelProbe* probe) {
  infer::TfliteOptions options;
  options.model_path = path;
  options.instances = 1;
  options.probe = probe;
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::TfliteModel> model,
                   infer::TfliteModel::Load(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::Lease> lease, model->Acquire(Context()));
  const size_t inputs = model->metadata().inputs.size();
  for (size_t i = 0; i < inputs; ++i) {
    const infer::TensorView view = lease->InputView(static_cast<int>(i));
    const std::span<std::byte> bytes = lease->Input(static_cast<int>(i));
    if (bytes.data() != nullptr) infer::FillWithPattern(view.type, view.shape, bytes);
  }
  if (lease->Invoke(Context()).ok()) return absl::OkStatus();
  // Values may be indices, of which the pattern has none that is valid.
  for (size_t i = 0; i < inputs; ++i) {
    std::ranges::fill(lease->Input(static_cast<int>(i)), std::byte{0});
  }
  return lease->Invoke(Context());
}

// The worker: says "begin I" and "end I STATUS" of each file from `first` on.
int Work(const MutantSource& source, size_t first) {
  SetLogLevel(LogLevel::kError);
  for (size_t i = first; i < source.count(); ++i) {
    const std::string bytes = source.Make(i);
    const int file = memfd_create("mutant", MFD_CLOEXEC);
    if (write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return 1;
    std::printf("begin %zu\n", i);
    std::fflush(stdout);
    const absl::Status status = LoadAndRun("/proc/self/fd/" + std::to_string(file), nullptr);
    close(file);
    std::printf("end %zu %d %s\n", i, status.raw_code(), MessageOf(status).empty() ? "-" : "said");
    std::fflush(stdout);
  }
  return 0;
}

std::string ThisProgram() { return fs::read_symlink("/proc/self/exe").string(); }

struct Counts {
  size_t ran = 0;
  size_t refused = 0;
  size_t deadly = 0;          // ended the worker
  size_t deadly_refused = 0;  // of these: refused by the probe with a reason
  size_t deadly_ran = 0;      // of these: run after all, such as without the delegate
  size_t probed = 0;
  size_t wrong = 0;
  std::map<std::string, size_t> reasons;  // of deadly ones, without numbers
};

class Run {
 public:
  Run(std::vector<MutantSource> corpus, bool full)
      : corpus_(std::move(corpus)),
        full_(full),
        folder_(fs::temp_directory_path() / ("bowerbird-corpus-" + std::to_string(getpid()))),
        facts_((folder_ / "facts").string(), 100'000) {
    fs::create_directories(folder_);
    infer::ProcessProbeOptions options;
    options.command = {ThisProgram(), "--probe"};
    options.limits.time = kOneFile;
    probe_ = infer::MakeProcessProbe(std::move(options), facts_);
  }
  ~Run() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  bool All() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([this] {
        for (size_t at = next_++; at < corpus_.size(); at = next_++) One(at);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return failures_ == 0;
  }

 private:
  void One(size_t at) {
    const MutantSource& source = corpus_[at];
    const Clock::time_point start = Clock::now();
    Counts counts;
    for (size_t i = 0; i < source.count();) i = Drive(at, i, counts);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    MutexLock lock(mutex_);
    std::printf(
        "%-55s %6zu files: %5zu ran, %5zu refused, %3zu deadly (%zu refused by the probe, "
        "%zu run after it), %3zu sampled, %zu wrong, %.0f s\n",
        source.name().c_str(), source.count(), counts.ran, counts.refused, counts.deadly,
        counts.deadly_refused, counts.deadly_ran, counts.probed, counts.wrong, seconds);
    for (const auto& [reason, count] : counts.reasons)
      std::printf("    %zu x %s\n", count, reason.c_str());
    std::fflush(stdout);
    failures_ += counts.wrong;
  }

  // A worker from file `first` on; the file to go on with.
  size_t Drive(size_t at, size_t first, Counts& counts) {
    const MutantSource& source = corpus_[at];
    Subprocess::Options start;
    start.argv = {ThisProgram(), full_ ? "--full-worker" : "--worker", std::to_string(at),
                  std::to_string(first)};
    start.name = "worker";
    start.grace = std::chrono::seconds(0);
    start.limits = {{RLIMIT_CORE, 0}, {RLIMIT_DATA, uint64_t{4} << 30}};
    auto worker = Subprocess::Start(std::move(start));
    if (!worker.ok()) {
      std::printf("%s: %s\n", source.name().c_str(), MessageOf(worker.status()).c_str());
      ++counts.wrong;
      return source.count();
    }
    size_t begun = first;
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
      const auto count = (*worker)->Read(buffer, Clock::now() + 3 * kOneFile);
      if (!count.ok() || *count == 0) break;  // a hang, or its end
      text.append(buffer.data(), *count);
      for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        Take(source, text.substr(0, end), begun, counts);
        text.erase(0, end + 1);
      }
    }
    const ExitStatus exit = (*worker)->Kill();
    if (exit.ok() || begun >= source.count()) return source.count();
    ++counts.deadly;
    const absl::Status status = Probed(source, begun);
    if (status.ok()) ++counts.deadly_ran;
    if (!status.ok()) Refused(source, begun, status, counts.deadly_refused, counts);
    const std::string message = MessageOf(status);
    std::string reason;
    for (const char c : message.substr(std::min(message.size(), message.find(": ") + 2)))
      if (c < '0' || c > '9') reason += c;
    ++counts.reasons[exit.ToString() + ": " +
                     reason.substr(0, reason.find("; the file is")).substr(0, 160)];
    return begun + 1;
  }

  void Take(const MutantSource& source, const std::string& line, size_t& begun, Counts& counts) {
    size_t index = 0;
    int code = 0;
    char said[8] = "";
    if (std::sscanf(line.c_str(), "begin %zu", &index) == 1) {
      begun = index;
    } else if (std::sscanf(line.c_str(), "end %zu %d %7s", &index, &code, said) == 3) {
      begun = index + 1;
      ++(code == 0 ? counts.ran : counts.refused);
      if (code != 0 && std::string(said) != "said") ++counts.wrong;
      if (index % kSampled != 0) return;
      ++counts.probed;
      const absl::Status status = Probed(source, index);
      if (status.raw_code() != code && !absl::IsResourceExhausted(status)) {
        std::printf("%s, file %zu: code %d without the probe, with it: %s\n", source.name().c_str(),
                    index, code, MessageOf(status).c_str());
        ++counts.wrong;
      }
    }
  }

  void Refused(const MutantSource& source, size_t index, const absl::Status& status, size_t& good,
               Counts& counts) {
    const bool has_reason =
        (absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status)) &&
        MessageOf(status).find(": ") != std::string::npos;
    if (has_reason) {
      ++good;
    } else {
      std::printf("%s, file %zu: %s\n", source.name().c_str(), index, MessageOf(status).c_str());
      ++counts.wrong;
    }
  }

  // In this process, as a server does it.
  absl::Status Probed(const MutantSource& source, size_t index) {
    const std::string path =
        (folder_ / ("mutant-" + std::to_string(files_++) + ".tflite")).string();
    std::ofstream(path, std::ios::binary) << source.Make(index);
    const absl::Status status = LoadAndRun(path, probe_.get());
    fs::remove(path);
    return status;
  }

  const std::vector<MutantSource> corpus_;
  const bool full_;
  const fs::path folder_;
  infer::ModelFacts facts_;
  std::unique_ptr<infer::ModelProbe> probe_;
  std::atomic<size_t> next_ = 0, files_ = 0, failures_ = 0;
  Mutex mutex_;
};

int Main(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "--probe") return infer::RunProbeChild(infer::FromArguments(arguments));
  const char* data = std::getenv("BOWERBIRD_TEST_DATA");
  if (data == nullptr) {
    std::printf("SKIPPED: BOWERBIRD_TEST_DATA is not set: no model files to damage\n");
    return kSkipped;
  }
  const bool full = mode.starts_with("--full") || std::getenv("BOWERBIRD_FULL_CORPUS") != nullptr;
  std::vector<MutantSource> corpus = Corpus(data, full);
  if (mode.ends_with("worker") && arguments.size() == 3) {
    return Work(corpus.at(std::stoul(arguments[1])), std::stoul(arguments[2]));
  }
  SetLogLevel(LogLevel::kError);
  const bool passed = Run(std::move(corpus), full).All();
  std::printf(passed ? "no file ended the process that loads it\n" : "FAILED\n");
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace bowerbird::robustness

int main(int argc, char** argv) {
  return bowerbird::robustness::Main(std::vector<std::string>(argv + 1, argv + argc));
}
