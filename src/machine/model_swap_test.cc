// SPDX-License-Identifier: Apache-2.0
//
// One version of a model replaced by the next while it is called.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <stdlib.h>

#include "gmock/gmock.h"
#include "machine/builtins.h"
#include "machine/machine_fixture.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::machine {
namespace {

using ::testing::HasSubstr;

// y = x + `constant`: which version answers can be seen.
std::string VersionFile(float constant) {
  return tflite::testing::ModelFile(
      {.subgraphs = {
           {.tensors = {{.name = "x", .shape = {1, 4}},
                        {.name = "constant",
                         .shape = {1, 4},
                         .data = tflite::testing::BytesOf(std::vector<float>(4, constant))},
                        {.name = "y", .shape = {1, 4}}},
            .operators = {{.code = tflite::testing::kAdd, .inputs = {0, 1}, .outputs = {2}}},
            .inputs = {0},
            .outputs = {2}}}});
}

class ModelSwap : public MachineTest {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/model_swap_test.XXXXXX";
    dir_ = mkdtemp(pattern);
    RegisterBuiltins(catalog_);
    machine_ = std::make_unique<Machine>(catalog_, metrics_, dir_, FastOptions());
    Put("one.tflite", VersionFile(1));
    Put("two.tflite", VersionFile(2));
  }
  void TearDown() override {
    machine_.reset();
    std::filesystem::remove_all(dir_);
  }

  // By rename, as a file that may be mapped must be replaced.
  void Put(const std::string& name, const std::string& contents) const {
    const std::string fresh = dir_ + "/fresh";
    std::ofstream(fresh, std::ios::binary) << contents;
    std::filesystem::rename(fresh, dir_ + "/" + name);
  }

  Config ConfigFor(const std::string& file) const {
    const Json json = {{"services",
                        {{{"name", "m"},
                          {"type", "mlmodel"},
                          {"model", "tflite_cpu"},
                          {"attributes", {{"model_path", dir_ + "/" + file}, {"instances", 2}}}}}}};
    auto config = ParseConfig(json.dump(), {"m.json", "", nullptr});
    EXPECT_TRUE(config.ok()) << config.status();
    return *std::move(config);
  }
  void Serve(const std::string& file) { ApplyConfig(ConfigFor(file)); }

  // What `model` makes of zeros; -1 if it fails.
  static float AnswerOf(const infer::Model& model) {
    auto lease = model.Acquire({});
    if (!lease.ok()) return -1;
    const std::vector<float> zeros(4);
    const infer::Shape shape = {1, 4};
    const auto outputs = infer::Run(
        {}, model, {{"x", {infer::DType::kFloat32, shape, std::as_bytes(std::span(zeros))}}},
        **lease);
    return outputs.ok() ? outputs->at("y").As<float>()[3] : -1;
  }
  float AnswerNow() const {
    const auto found = machine_->FindAs<MlModel>("m");
    return found.ok() ? AnswerOf((*found)->model()) : -1;
  }

  std::string dir_;
};

TEST_F(ModelSwap, WhoHoldsAVersionKeepsItAndOthersGetTheNext) {
  Serve("one.tflite");
  auto held = *machine_->FindAs<MlModel>("m");
  const std::weak_ptr<MlModel> first = held;
  Serve("two.tflite");
  EXPECT_EQ(AnswerNow(), 2);
  EXPECT_EQ(AnswerOf(held->model()), 1) << "pinned";
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("bowerbird_model_instances{model=\"m\",state=\"existing\"} 2"));
  held.reset();
  EXPECT_TRUE(Soon([&] { return first.expired(); })) << "freed with its last holder";
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("bowerbird_model_instances{model=\"m\",state=\"existing\"} 1"));
}

TEST_F(ModelSwap, AVersionThatCannotBeLoadedLeavesTheOneBeforeServing) {
  Serve("one.tflite");
  Put("broken.tflite", "no model at all");
  Serve("broken.tflite");
  EXPECT_EQ(AnswerNow(), 1);
  EXPECT_EQ(StatusOf("m").state, ResourceState::kUnhealthy);
  EXPECT_THAT(StatusOf("m").error, HasSubstr("broken.tflite"));
  EXPECT_THAT(StatusOf("m").error, HasSubstr("; the version before it keeps serving"));
  Serve("missing.tflite");
  EXPECT_EQ(AnswerNow(), 1);
  EXPECT_THAT(StatusOf("m").error, HasSubstr("missing.tflite; the version before"));
  Put("missing.tflite", VersionFile(3));
  EXPECT_TRUE(Soon([&] { return AnswerNow() == 3; })) << "tried again until it works";
  EXPECT_TRUE(Soon([&] { return StateOf("m") == "ready"; }));
}

TEST_F(ModelSwap, AttributesThatAreWrongLeaveTheVersionBeforeServing) {
  Serve("one.tflite");
  const Json json = {
      {"services",
       {{{"name", "m"},
         {"type", "mlmodel"},
         {"model", "tflite_cpu"},
         {"attributes",
          {{"model_path", dir_ + "/two.tflite"}, {"batching", {{"max_size", 0}}}}}}}}};
  ApplyConfig(*ParseConfig(json.dump(), {"m.json", "", nullptr}));
  EXPECT_EQ(AnswerNow(), 1);
  EXPECT_THAT(StatusOf("m").error, HasSubstr("attributes.batching.max_size: 0 is not a whole"));
  ApplyConfig(WidgetsConfig({}));
  EXPECT_EQ(AnswerNow(), -1) << "a model that is taken out of the config goes";
}

TEST_F(ModelSwap, AFileThatWasReplacedIsLoadedWithTheNextConfig) {
  Serve("one.tflite");
  Serve("one.tflite");
  const auto before = *machine_->FindAs<MlModel>("m");
  EXPECT_EQ(before, *machine_->FindAs<MlModel>("m")) << "the same file is not loaded again";
  Put("one.tflite", VersionFile(7));
  EXPECT_EQ(AnswerNow(), 1) << "the mapped file is still there";
  Serve("one.tflite");
  EXPECT_EQ(AnswerNow(), 7);
  std::filesystem::remove(dir_ + "/one.tflite");
  Serve("one.tflite");
  EXPECT_EQ(AnswerNow(), 7) << "a file that is gone is no new version";
  EXPECT_EQ(StateOf("m"), "ready");
}

TEST_F(ModelSwap, TellsItsStatus) {
  Serve("one.tflite");
  const auto status = (*machine_->FindAs<MlModel>("m"))->GetStatus({});
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)["model_path"], dir_ + "/one.tflite");
  EXPECT_EQ((*status)["instances"]["limit"], 2);
  EXPECT_THAT((*status)["batching"].get<std::string>(), HasSubstr("off: "));
}

TEST_F(ModelSwap, NoCallFailsWhileVersionsAreReplaced) {
  Serve("one.tflite");
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::atomic<int> failures = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const float answer = AnswerNow();
        if (answer != 1 && answer != 2) ++failures;
        ++calls;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  }
  for (int i = 0; i < 60; ++i) Serve(i % 2 == 0 ? "two.tflite" : "one.tflite");
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GT(calls, 60);
  const auto existing = [&](int count) {
    return metrics_.Text().find("bowerbird_model_instances{model=\"m\",state=\"existing\"} " +
                                std::to_string(count) + "\n") != std::string::npos;
  };
  EXPECT_TRUE(Soon([&] { return existing(1) || existing(2); }))
      << "but for the last one, which may have grown to its limit, all versions are gone";
}

}  // namespace
}  // namespace bowerbird::machine
