// SPDX-License-Identifier: Apache-2.0
#include "infer/shape_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/status.h"
#include "infer/model_facts.h"
#include "infer/testing/deadly_model.h"
#include "infer/testing/dense_model.h"
#include "infer/testing/eventually.h"
#include "infer/testing/model_on_disk.h"
#include "infer/testing/open_probe.h"
#include "infer/testing/probe_commands.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Eventually;
using testing::FileOnDisk;
using ::testing::HasSubstr;

// Counts what is tried; every try lasts until it is told how it ends.
class ScriptedProbe : public testing::OpenProbe {
 public:
  absl::Status TryShapes(const Context& context, const ProbeRequest& request) const override {
    tried_.fetch_add(1);
    last_file_ = request.path;
    while (!ended_) {
      RETURN_IF_ERROR(context.Check());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return verdict_;
  }
  void End(absl::Status verdict) {
    verdict_ = std::move(verdict);
    ended_ = true;
  }
  int tried() const { return tried_; }
  const std::string& last_file() const { return last_file_; }

 private:
  mutable std::atomic<int> tried_ = 0;
  mutable std::string last_file_;
  std::atomic<bool> ended_ = false;
  absl::Status verdict_;
};

std::unique_ptr<TfliteModel> Load(const FileOnDisk& file, const ModelProbe* probe) {
  TfliteOptions options;
  options.model_path = file.path();
  options.instances = 1;
  options.probe = probe;
  auto model = TfliteModel::Load(options);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : nullptr;
}

std::vector<Shape> Rows(int64_t rows) { return {{rows, testing::kWidth}, {rows}}; }

absl::Status RunOnZeros(Lease& lease) {
  for (int i = 0; i < 2; ++i) {
    const std::span<std::byte> memory = lease.Input(i);
    std::memset(memory.data(), 0, memory.size());
  }
  return lease.Invoke({});
}

TEST(ShapeGate, AShapeThatTheRuntimeDiesOfIsRefusedAndTheModelLives) {
  // A child of a sanitized program is to die of a signal, too, and not to exit after its report.
  setenv("ASAN_OPTIONS", "handle_segv=0:abort_on_error=1", 1);
  setenv("TSAN_OPTIONS", "handle_segv=0:abort_on_error=1:allocator_may_return_null=1", 1);
  const std::string folder = ::testing::TempDir() + "bowerbird_shapes_" + std::to_string(getpid());
  ModelFacts facts(folder);
  const auto probe =
      MakeProcessProbe({.command = testing::ThisProgram(), .program_version = "1"}, facts);
  const auto file = std::make_unique<FileOnDisk>(testing::DeadlyInRows());
  const auto model = Load(*file, probe.get());
  ASSERT_NE(model, nullptr);
  fs::remove(file->path());  // what is tried is the file that was loaded, not its name
  const auto lease = *model->Acquire({});
  const absl::Status refused = lease->ResizeInputs(Rows(8));
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(refused),
              AllOf(HasSubstr("dies of the model (killed by"),
                    HasSubstr("inputs of shape [8, 1024], [8]"), HasSubstr("send another shape")));
  EXPECT_THAT(lease->InputView(0).shape, ElementsAre(1, testing::kWidth));
  ASSERT_TRUE(RunOnZeros(*lease).ok());
  EXPECT_EQ(lease->Output(2).As<float>()[0], 7);
  ASSERT_TRUE(lease->ResizeInputs(Rows(2)).ok());
  ASSERT_TRUE(RunOnZeros(*lease).ok());
  EXPECT_THAT(lease->Output(0).shape, ElementsAre(2, testing::kWidth));
  fs::remove_all(folder);
}

TEST(ShapeGate, TheFilesOwnShapesAreNotTried) {
  const FileOnDisk file(testing::DenseModel(8));
  const ScriptedProbe probe;
  const auto model = Load(file, &probe);
  const auto lease = *model->Acquire({});
  EXPECT_TRUE(lease->ResizeInputs(Rows(1)).ok());
  EXPECT_EQ(probe.tried(), 0);
}

TEST(ShapeGate, NobodyWaitsForAnInstanceThatWaitsForAChild) {
  const FileOnDisk file(testing::DenseModel(8));
  ScriptedProbe probe;
  const auto model = Load(file, &probe);
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      const auto lease = *model->Acquire({});
      EXPECT_TRUE(lease->ResizeInputs(Rows(2)).ok());
      EXPECT_TRUE(RunOnZeros(*lease).ok());
    });
  }
  ASSERT_TRUE(Eventually([&] { return probe.tried() == 1; }));
  EXPECT_TRUE(RunOnZeros(**model->Acquire({})).ok()) << "the only instance is free meanwhile";
  probe.End(absl::OkStatus());
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(probe.tried(), 1) << "one child for all";
}

TEST(ShapeGate, WhatAShapeCameToIsRememberedAndHowATryFailedIsNot) {
  const FileOnDisk file(testing::DenseModel(8));
  for (const auto& [verdict, tries] : {std::pair(ResourceExhausted("too slow"), 1),
                                       std::pair(Unavailable("no process to be had"), 2)}) {
    ScriptedProbe probe;
    probe.End(verdict);
    const auto model = Load(file, &probe);
    for (int i = 0; i < 2; ++i) EXPECT_EQ((*model->Acquire({}))->ResizeInputs(Rows(2)), verdict);
    EXPECT_EQ(probe.tried(), tries) << verdict;
  }
}

TEST(ShapeGate, TheEndOfACallEndsItsTry) {
  const FileOnDisk file(testing::DenseModel(8));
  const ScriptedProbe probe;
  const auto model = Load(file, &probe);
  Context context;
  context.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  std::unique_ptr<Lease> other;
  std::thread owner([&] {
    ASSERT_TRUE(Eventually([&] { return probe.tried() == 1; }));
    other = *model->Acquire({});
  });
  {
    const auto lease = *model->Acquire(context);
    EXPECT_EQ(lease->ResizeInputs(Rows(2)).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(lease->Invoke({}).code(), absl::StatusCode::kFailedPrecondition)
        << "no instance was to be had in the time that was left";
  }
  owner.join();
  other.reset();
  EXPECT_TRUE(RunOnZeros(**model->Acquire({})).ok());
}

}  // namespace
}  // namespace bowerbird::infer
