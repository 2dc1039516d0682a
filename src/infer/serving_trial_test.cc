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
#include "infer/testing/deadly_model.h"
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
  const FileOnDisk file(testing::DeadlyInRows());
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
  trial.unix_time = 1'000'000;
  const auto read = ServingTrial::FromJson(trial.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->memory.Of(2, true), trial.memory.Of(2, true));
  EXPECT_EQ(read->refusal, "why");
  EXPECT_TRUE(read->died);
  EXPECT_FALSE(read->IsStale(1'000'001));
  EXPECT_TRUE(read->IsStale(1'100'000)) << "what a child died of is tried again after a day";
  EXPECT_TRUE(read->IsStale(999'999)) << "the clock was set back";
  trial.died = false;
  EXPECT_FALSE(trial.IsStale(1'100'000));
  trial.refusal = "";
  EXPECT_FALSE(ServingTrial::FromJson(trial.ToJson()).ok()) << "a call that takes no time";
  for (const char* text : {"null", "3", "{}", "{\"refusal\":\"x\"}"})
    EXPECT_FALSE(ServingTrial::FromJson(nlohmann::json::parse(text)).ok()) << text;
}

}  // namespace
}  // namespace bowerbird::infer
