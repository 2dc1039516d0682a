// SPDX-License-Identifier: Apache-2.0
//
// What a child finds out about a model that is to be served, and what the service makes of it.
#include "infer/serving_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/sanitized.h"
#include "base/status.h"
#include "infer/probe.h"
#include "infer/testing/dense_model.h"
#include "infer/testing/eventually.h"
#include "infer/testing/model_on_disk.h"
#include "infer/testing/open_probe.h"
#include "infer/testing/probe_commands.h"
#include "infer/tflite_model.h"
#include "nlohmann/json.hpp"
#include "tflite/write.h"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::DenseModel;
using testing::FileOnDisk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Shell;
using ::testing::StartsWith;
using testing::ThisProgram;

// Leases, stacks, pages of the runtime's code; sanitizers keep what is freed, and notes on what is
// not.
const uint64_t kTolerance = Sanitized() ? 300'000'000 : 4'000'000;

std::string Three(int32_t value) {
  return tflite::testing::BytesOf(std::vector<int32_t>{value, value, value});
}

// One row: y = dense(x), z = one element. Of b rows z has (2 b^5 - 1)^3 elements, for 8 more than
// any address space has, and the runtime writes to what it did not get.
std::string DeadlyInRows() {
  tflite::testing::ModelSpec spec = DenseModel(512);
  auto& graph = spec.subgraphs[0];
  const auto whole = tflite::TensorType::kInt32;
  const auto first = static_cast<int32_t>(graph.tensors.size());
  graph.tensors.push_back({.name = "rows", .type = whole, .shape = {1}});
  for (const char* name : {"rows2", "rows4", "rows5"}) {
    graph.tensors.push_back({.name = name, .type = whole, .shape = {1}});
  }
  graph.tensors.push_back({.name = "twos", .type = whole, .shape = {3}, .data = Three(2)});
  graph.tensors.push_back({.name = "double", .type = whole, .shape = {3}});
  graph.tensors.push_back({.name = "ones", .type = whole, .shape = {3}, .data = Three(1)});
  graph.tensors.push_back({.name = "size", .type = whole, .shape = {3}});
  graph.tensors.push_back(
      {.name = "seven", .shape = {}, .data = tflite::testing::BytesOf(std::vector<float>{7})});
  graph.tensors.push_back({.name = "z", .shape = {1, 1, 1}});
  const auto append = [&](int32_t code, std::vector<int32_t> inputs, int32_t output) {
    for (int32_t& input : inputs) input += first;
    graph.operators.push_back({.code = code, .inputs = inputs, .outputs = {first + output}});
  };
  using tflite::testing::kMul;
  constexpr int32_t kFill = 94;
  constexpr int32_t kIndex = 5;  // an input of the dense model: one element a row
  append(tflite::testing::kShape, {kIndex - first}, 0);
  append(kMul, {0, 0}, 1);
  append(kMul, {1, 1}, 2);
  append(kMul, {2, 0}, 3);
  append(kMul, {3, 4}, 5);
  append(tflite::testing::kSub, {5, 6}, 7);
  append(kFill, {7, 8}, 9);
  graph.outputs.push_back(first + 9);
  const std::string plain = tflite::testing::ModelFile(spec);
  tflite::Graph read = *tflite::ReadGraph(std::as_bytes(std::span(plain)));
  for (tflite::Operator& op : read.subgraphs[0].operators) {
    if (read.operator_codes[op.code].builtin != tflite::testing::kShape) continue;
    op.options = tflite::Table::Of("ShapeOptions", {{"out_type", static_cast<int>(whole)}});
  }
  return *tflite::WriteModel(read);
}

uint64_t ResidentBytes() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

// A child measures the memory; that calls are faster together is said, not found.
class FasterTogether : public testing::OpenProbe {
 public:
  explicit FasterTogether(const ModelProbe& child) : child_(child) {}
  absl::StatusOr<ServingTrial> TryServing(const Context& context,
                                          const ProbeRequest& request) const override {
    auto trial = child_.TryServing(context, request);
    if (!trial.ok()) return trial;
    trial->refusal = "";
    trial->alone = std::chrono::milliseconds(2);
    trial->together = std::chrono::milliseconds(5);
    return trial;
  }

 private:
  const ModelProbe& child_;
};

class ServingTrialTest : public ::testing::Test {
 protected:
  ~ServingTrialTest() override { fs::remove_all(folder_); }

  std::unique_ptr<ModelProbe> Probe(std::vector<std::string> command, int seconds = 60) {
    return MakeProcessProbe({.command = std::move(command),
                             .program_version = "1",
                             .limits = {.time = std::chrono::seconds(seconds)}},
                            facts_);
  }
  static std::unique_ptr<TfliteModel> Load(const FileOnDisk& file, const ModelProbe* probe,
                                           uint64_t max_memory_bytes = 0) {
    TfliteOptions options;
    options.model_path = file.path();
    options.instances = 2;
    options.batch_rows = 8;
    options.probe = probe;
    options.max_memory_bytes = max_memory_bytes;
    auto model = TfliteModel::Load(options);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? *std::move(model) : nullptr;
  }
  MemoryNeed NeedOf(const FileOnDisk& file) {
    Load(file, Probe(ThisProgram()).get());
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (!entry.path().filename().string().starts_with("serving-")) continue;
      std::ifstream in(entry.path());
      return ServingTrial::FromJson(nlohmann::json::parse(in)["fact"])->memory;
    }
    return {};
  }

  const std::string folder_ =
      ::testing::TempDir() + "bowerbird_serving_" + std::to_string(getpid());
  ModelFacts facts_{folder_};
};

// Both inputs of the dense model.
absl::Status InvokeOnZeros(Lease& lease) {
  for (int i = 0; i < 2; ++i) std::ranges::fill(lease.Input(i), std::byte{0});
  return lease.Invoke({});
}

// Holds all instances, lets calls wait meanwhile so that they are run together if that is done, and
// tells by how much the process has grown at most.
uint64_t GrowthUnderLoad(const TfliteModel& model, uint64_t before) {
  std::vector<std::unique_ptr<Lease>> leases;
  for (int i = 0; i < model.instances().limit; ++i) {
    leases.push_back(*model.Acquire({}));
    EXPECT_TRUE(InvokeOnZeros(*leases.back()).ok());
  }
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      const auto lease = model.Acquire({});
      EXPECT_TRUE(lease.ok() && InvokeOnZeros(**lease).ok());
    });
  }
  EXPECT_TRUE(testing::Eventually([&] { return model.instances().waiting == 4; }));
  leases.clear();
  for (std::thread& caller : callers) caller.join();
  const uint64_t now = ResidentBytes();
  return now > before ? now - before : 0;
}

TEST_F(ServingTrialTest, AGraphThatDiesOfSeveralRowsIsServedCallByCall) {
  // A child of a sanitized program is to die of a signal, too, and not to exit after its report.
  setenv("ASAN_OPTIONS", "handle_segv=0:abort_on_error=1", 1);
  setenv("TSAN_OPTIONS", "handle_segv=0:abort_on_error=1:allocator_may_return_null=1", 1);
  const FileOnDisk file(DeadlyInRows());
  const auto probe = Probe(ThisProgram());
  const auto dead = Probe(Shell("kill -SEGV $$"));
  for (const ModelProbe* asked : {probe.get(), dead.get()}) {  // the second time it is known
    const auto model = Load(file, asked);
    ASSERT_NE(model, nullptr);
    EXPECT_THAT(model->report().batching,
                AllOf(StartsWith("off: the runtime dies of the model (killed by"),
                      HasSubstr("while it runs 8 calls in one")));
    EXPECT_THAT(model->report().warnings,
                ::testing::Contains(StartsWith("calls are run one by one: ")));
    const auto lease = model->Acquire({});
    ASSERT_TRUE(lease.ok()) << lease.status();
    ASSERT_TRUE(InvokeOnZeros(**lease).ok());
    EXPECT_EQ((*lease)->Output(2).As<float>()[0], 7);
  }
}

TEST_F(ServingTrialTest, ARunThatHangsIsEndedAndOff) {
  const FileOnDisk file(tflite::testing::AddModel());
  const auto probe =
      Probe(Shell("case \"$*\" in *--try-serving*) echo '@stage runs 8 calls in one'; sleep 60;; "
                  "esac; echo '@answer 0 \"\"'"),
            1);
  const auto model = Load(file, probe.get());
  ASSERT_NE(model, nullptr);
  EXPECT_THAT(model->report().batching,
              StartsWith("off: the model takes more than 1 s while it runs 8 calls in one"));
  EXPECT_TRUE((*model->Acquire({}))->Invoke({}).ok());
}

TEST_F(ServingTrialTest, WhatTheChildHasFoundIsServed) {
  const FileOnDisk file(tflite::testing::AddModel());
  ServingTrial found;
  found.alone = std::chrono::milliseconds(2);
  found.together = std::chrono::milliseconds(5);
  const auto probe =
      Probe(Shell("echo '@serving " + found.ToJson().dump() + "'; echo '@answer 0 \"\"'"));
  EXPECT_EQ(Load(file, probe.get())->report().batching,
            "from 3 waiting calls: 8 calls take 5000 us together, one takes 2000 us");
}

TEST_F(ServingTrialTest, AChildThatCannotSayMakesNoFact) {
  const FileOnDisk file(tflite::testing::AddModel());
  const auto probe =
      Probe(Shell("case \"$*\" in *--try-serving*) exit 2;; esac; "
                  "echo '@answer 0 \"\"'"));
  EXPECT_THAT(Load(file, probe.get())->report().batching, StartsWith("off: "));
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(StartsWith("serving-")));
}

TEST_F(ServingTrialTest, TheChildTriesAndMeasures) {
  const FileOnDisk file(DenseModel(512));
  const auto probe = Probe(ThisProgram());
  const auto model = Load(file, probe.get());
  ASSERT_NE(model, nullptr);
  EXPECT_THAT(model->report().batching, HasSubstr("8 calls take "));
  EXPECT_THAT(model->report().warnings, IsEmpty());
  const MemoryNeed need = NeedOf(file);
  const uint64_t weights = fs::file_size(file.path());
  EXPECT_GE(need.first, 2 * weights) << "the file, and what is packed of it";
  EXPECT_GE(need.another, weights - 100'000);
  EXPECT_GE(need.rows, weights - 100'000);
}

TEST_F(ServingTrialTest, TheLimitOfMemoryHoldsWithEverythingCounted) {
  const FileOnDisk file(DenseModel(1536));
  const MemoryNeed need = NeedOf(file);
  ASSERT_GT(need.rows, 0U);
  const auto child = Probe(ThisProgram());
  struct Case {
    uint64_t limit;
    int instances;
    bool together;
  };
  const uint64_t before = ResidentBytes();
  for (const Case& expected :
       {Case{need.Of(2, true) + 3'000'000, 2, true}, Case{need.Of(2, true) - 9'000'000, 2, false},
        Case{need.Of(2, false) - 9'000'000, 1, false}}) {
    const FasterTogether probe(*child);
    const auto model = Load(file, &probe, expected.limit);
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->instances().limit, expected.instances) << expected.limit;
    EXPECT_THAT(model->report().batching,
                HasSubstr(expected.together ? "from 3 waiting calls" : "the limit is"));
    EXPECT_LE(GrowthUnderLoad(*model, before), expected.limit + kTolerance) << expected.limit;
  }
}

TEST(ServingTrial, IsReadAsItWasWritten) {
  ServingTrial trial;
  trial.memory = {.first = 30, .another = 20, .rows = 10};
  trial.refusal = "why";
  trial.died = true;
  const auto read = ServingTrial::FromJson(trial.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->memory.Of(2, true), trial.memory.Of(2, true));
  EXPECT_EQ(read->refusal, "why");
  EXPECT_TRUE(read->died);
  trial.refusal = "";
  EXPECT_FALSE(ServingTrial::FromJson(trial.ToJson()).ok()) << "a call that takes no time";
  for (const char* text : {"null", "3", "{}", "{\"refusal\":\"x\"}"})
    EXPECT_FALSE(ServingTrial::FromJson(nlohmann::json::parse(text)).ok()) << text;
}

}  // namespace
}  // namespace bowerbird::infer
