// SPDX-License-Identifier: Apache-2.0
//
// Two figures of the serving path inside one process:
//   overhead    p50 of (a whole call - that same call's Invoke), in microseconds
//   throughput  calls per second of two clients over those of one
// A call is what a service does: lease an instance, write the input, invoke, read every output.
#include <atomic>
#include <cstring>
#include <thread>

#include "bench/measure.h"
#include "infer/model.h"
#include "infer/tflite_model.h"

namespace bowerbird::bench {
namespace {

struct Subject {
  std::string name;
  std::unique_ptr<infer::TfliteModel> model;
  infer::NamedTensors inputs;
  infer::NamedViews views;
};

absl::StatusOr<Subject> LoadSubject(const std::string& name, const std::string& path) {
  Subject subject;
  subject.name = name;
  infer::TfliteOptions options;
  options.model_path = path;
  auto model = infer::TfliteModel::Load(options);
  if (!model.ok()) return model.status();
  subject.model = *std::move(model);
  for (const auto& info : subject.model->metadata().inputs) {
    infer::Tensor tensor{info.type, info.shape, {}};
    const auto count = infer::ElementCount(info.shape).value_or(0);
    tensor.bytes.resize(static_cast<size_t>(count) * infer::DTypeSize(info.type));
    subject.inputs[info.name] = std::move(tensor);
  }
  for (const auto& [key, tensor] : subject.inputs) subject.views[key] = tensor.view();
  return subject;
}

// One call; returns a checksum so that reading the outputs cannot be optimised away.
unsigned RunOnce(const Subject& subject, PhaseTimes* phases) {
  Context context;
  context.phases = phases;
  auto lease = subject.model->Acquire(context);
  if (!lease.ok()) std::abort();
  const auto outputs = infer::Run(context, *subject.model, subject.views, **lease);
  if (!outputs.ok()) std::abort();
  unsigned sum = 0;
  for (const auto& [name, view] : *outputs) {
    std::vector<std::byte> copy(view.bytes.begin(), view.bytes.end());
    sum += static_cast<unsigned>(copy.size());
  }
  return sum;
}

void Overhead(const Subject& subject) {
  std::vector<double> p50s, invokes;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> overhead, invoke;
    const auto until = Clock::now() + std::chrono::milliseconds(700);
    while (Clock::now() < until) {
      PhaseTimes phases;
      const auto start = Clock::now();
      RunOnce(subject, &phases);
      const double whole = Microseconds(Clock::now() - start);
      const double inner =
          Microseconds(std::chrono::duration_cast<Clock::duration>(phases.Get(Phase::kInvoke)));
      overhead.push_back(whole - inner);
      invoke.push_back(inner);
    }
    p50s.push_back(Percentile(overhead, 0.5));
    invokes.push_back(Percentile(invoke, 0.5));
  }
  Print("overhead",
        {{"model", subject.name}, {"unit", "microseconds p50"}, {"invoke_us", Median(invokes)}},
        Median(p50s), 30, /*smaller_is_better=*/true, 0);
}

double CallsPerSecond(const Subject& subject, int clients) {
  std::atomic<int> calls{0};
  std::vector<std::jthread> threads;
  const auto start = Clock::now();
  const auto until = start + std::chrono::seconds(1);
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      while (Clock::now() < until) {
        RunOnce(subject, nullptr);
        calls.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  threads.clear();
  return calls.load() / std::chrono::duration<double>(Clock::now() - start).count();
}

void Throughput(const Subject& subject) {
  CallsPerSecond(subject, 2);  // grows the pool
  std::vector<double> one, two, ratio;
  for (int round = 0; round < kRounds; ++round) {
    one.push_back(CallsPerSecond(subject, 1));
    two.push_back(CallsPerSecond(subject, 2));
    ratio.push_back(two.back() / one.back());
  }
  Print("throughput",
        {{"model", subject.name},
         {"unit", "two clients over one"},
         {"one_per_second", Median(one)},
         {"two_per_second", Median(two)}},
        Median(ratio), 1.7, /*smaller_is_better=*/false, Spread(one));
}

}  // namespace
}  // namespace bowerbird::bench

int main() {
  using namespace bowerbird::bench;
  const std::pair<const char*, const char*> models[] = {
      {"mobilenet_v1_0.25_224_float", "models/classify/mobilenet_v1_0.25_224_1_default_1.tflite"},
      {"tf2_mobilenet_v2_224_int8", "models/classify/tf2_mobilenet_v2_1.0_224_ptq.tflite"}};
  for (const auto& [name, file] : models) {
    const std::string path = TestData(file);
    if (path.empty()) {
      std::fprintf(stderr, "call_overhead: set BOWERBIRD_TEST_DATA to the public test set\n");
      return 1;
    }
    auto subject = LoadSubject(name, path);
    if (!subject.ok()) {
      std::fprintf(stderr, "call_overhead: %s\n", subject.status().ToString().c_str());
      return 1;
    }
    Overhead(*subject);
    Throughput(*subject);
  }
  return 0;
}
