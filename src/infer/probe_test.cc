// SPDX-License-Identifier: Apache-2.0
#include "infer/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/status.h"
#include "infer/load_observer.h"
#include "infer/mapped_file.h"
#include "infer/model_facts.h"
#include "infer/probe_child.h"
#include "infer/probe_run.h"
#include "infer/testing/model_on_disk.h"
#include "infer/testing/probe_commands.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::FileOnDisk;
using ::testing::HasSubstr;
using testing::Shell;
using testing::ThisProgram;

TEST(ProbeChild, LoadsWhatItIsTold) {
  const ProbeChildOptions options = FromArguments(::testing::internal::GetArgvs());
  if (options.path.empty()) GTEST_SKIP() << "only for the tests of the parent";
  _exit(RunProbeChild(options));
}

class ProbeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "bowerbird_probe_" + std::to_string(getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  absl::StatusOr<Clearance> Check(std::vector<std::string> command, const std::string& path,
                                  std::chrono::seconds time = std::chrono::seconds(30),
                                  const Context& context = {}) {
    ModelFacts facts(folder_ + "/facts");
    const auto probe = MakeProcessProbe(
        {.command = std::move(command), .program_version = "1", .limits = {.time = time}}, facts);
    auto file = MappedFile::Open(path);
    if (!file.ok()) return file.status();
    return probe->Check(context, {.path = path, .bytes = (*file)->bytes()});
  }

  // How often a child that appends to this file was started.
  int Starts() const {
    std::ifstream in(folder_ + "/starts");
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(in), {}, '\n'));
  }
  std::string CountStart() const { return "echo >> " + folder_ + "/starts; "; }

  std::string folder_;
  const FileOnDisk model_{tflite::testing::AddModel()};
};

TEST_F(ProbeTest, AModelThatRunsIsCleared) {
  const auto cleared = Check(ThisProgram(), model_.path());
  ASSERT_TRUE(cleared.ok()) << cleared.status();
  EXPECT_TRUE(cleared->allow_delegate);
  EXPECT_EQ(cleared->warning, "");
}

TEST_F(ProbeTest, WhatTheRuntimeRefusesIsRefusedInItsWords) {
  tflite::testing::ModelSpec spec = tflite::testing::AddModel(4);
  spec.subgraphs[0].tensors[1].shape = {3};  // 4 + 3 elements
  const FileOnDisk wrong(spec);
  const auto refused = Check(ThisProgram(), wrong.path());
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("Node number 0 (ADD)"));
  EXPECT_THAT(MessageOf(refused.status()), ::testing::Not(HasSubstr(wrong.path())));
}

TEST_F(ProbeTest, ACrashIsAnErrorThatSaysWhere) {
  const auto refused = Check(Shell("echo '@stage runs the model on zeros'; "
                                   "echo '@operator runs operator 3 (GATHER)'; kill -SEGV $$"),
                             model_.path());
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
  EXPECT_THAT(MessageOf(refused.status()),
              AllOf(HasSubstr("SIGSEGV"), HasSubstr("while it runs the model on zeros"),
                    HasSubstr("operator 3 (GATHER)"), HasSubstr("export it again")));
}

TEST_F(ProbeTest, AnOperatorThatCameBackIsNotToBlame) {
  const auto refused = Check(Shell("echo '@stage prepares the model'; echo '@operator prepares a'; "
                                   "echo '@done'; kill -ABRT $$"),
                             model_.path());
  EXPECT_THAT(MessageOf(refused.status()),
              AllOf(HasSubstr("SIGABRT"), ::testing::Not(HasSubstr("prepares a"))));
}

TEST_F(ProbeTest, AHangIsEndedAndSaid) {
  const auto start = std::chrono::steady_clock::now();
  const auto refused = Check(Shell("echo '@stage runs the model on zeros'; sleep 60"),
                             model_.path(), std::chrono::seconds(1));
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("more than 1 s while it runs"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(ProbeTest, NoMoreMemoryIsSaid) {
  const auto refused =
      Check(Shell("echo '@stage prepares the model'; echo '@memory'; exit 1"), model_.path());
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("more memory"));
}

TEST_F(ProbeTest, ABadVerdictIsGivenAgainWithoutAChild) {
  const std::string script = CountStart() + "kill -SEGV $$";
  const auto first = Check(Shell(script), model_.path());
  const int starts = Starts();
  EXPECT_GE(starts, 1);
  const auto second = Check(Shell(script), model_.path());
  EXPECT_EQ(Starts(), starts);
  EXPECT_EQ(second.status(), first.status());
  EXPECT_THAT(MessageOf(second.status()), HasSubstr("known from " + folder_ + "/facts/verdict-"));
}

TEST_F(ProbeTest, ADamagedVerdictIsFoundAnew) {
  const std::string script = CountStart() + "echo '@answer 0 \"\"'";
  ASSERT_TRUE(Check(Shell(script), model_.path()).ok());
  for (const auto& entry : fs::directory_iterator(folder_ + "/facts"))
    std::ofstream(entry.path()) << "not what it was";
  ASSERT_TRUE(Check(Shell(script), model_.path()).ok());
  EXPECT_EQ(Starts(), 2);
  ASSERT_TRUE(Check(Shell(script), model_.path()).ok());
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ProbeTest, AFileThatDiesOfTheDelegateOnlyIsLoadedWithoutIt) {
  const auto cleared = Check(Shell("case \"$*\" in *--no-delegate*) echo '@answer 0 \"\"';; "
                                   "*) echo '@stage prepares the model'; kill -SEGV $$;; esac"),
                             model_.path());
  ASSERT_TRUE(cleared.ok()) << cleared.status();
  EXPECT_FALSE(cleared->allow_delegate);
  EXPECT_THAT(cleared->warning, HasSubstr("without XNNPACK: "));
}

TEST_F(ProbeTest, AChildThatCannotDoItsWorkIsNoVerdict) {
  const auto missing = Check({"/not/there"}, model_.path());
  EXPECT_TRUE(absl::IsNotFound(missing.status())) << missing.status();
  const auto silent = Check(Shell("echo wrong usage >&2; exit 2"), model_.path());
  EXPECT_TRUE(absl::IsInternal(silent.status())) << silent.status();
  EXPECT_THAT(MessageOf(silent.status()), HasSubstr("wrong usage"));
  EXPECT_FALSE(fs::exists(folder_ + "/facts"));
}

TEST_F(ProbeTest, AFileThatChangesMeanwhileIsNotJudged) {
  ModelFacts facts(folder_ + "/facts");
  const auto probe = MakeProcessProbe({.command = ThisProgram(), .program_version = "1"}, facts);
  const std::string seen = "what was there before";
  const auto status =
      probe->Check({}, {.path = model_.path(), .bytes = std::as_bytes(std::span(seen))}).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_FALSE(fs::exists(folder_ + "/facts"));
}

TEST_F(ProbeTest, TheEndOfTheRequestEndsTheChild) {
  Context context;
  context.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  const auto start = std::chrono::steady_clock::now();
  const auto status = Check(Shell("sleep 60"), model_.path(), std::chrono::seconds(60), context);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status.status())) << status.status();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(ProbeTest, LoadsOfTheSameFileWaitForOneChild) {
  ModelFacts facts(folder_ + "/facts");
  const auto probe = MakeProcessProbe(
      {.command = Shell(CountStart() + "sleep 0.2; echo '@answer 0 \"\"'"), .program_version = "1"},
      facts);
  std::atomic<int> cleared = 0;
  std::vector<std::thread> loads;
  for (int i = 0; i < 4; ++i) {
    loads.emplace_back([&] {
      const auto model = TfliteModel::Load({.model_path = model_.path(), .probe = probe.get()});
      cleared += model.ok();
    });
  }
  for (std::thread& load : loads) load.join();
  EXPECT_EQ(cleared, 4);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(ProbeTest, ALoadAsksTheProbeAndHeedsIt) {
  class No : public ModelProbe {
   public:
    absl::StatusOr<Clearance> Check(const Context&, const ProbeRequest& request) const override {
      return InvalidArgument("no " + std::to_string(request.bytes.size()));
    }
  };
  const No no;
  const auto model = TfliteModel::Load({.model_path = model_.path(), .probe = &no});
  EXPECT_EQ(MessageOf(model.status()),
            "model " + model_.path() + ": no " + std::to_string(fs::file_size(model_.path())));
}

// y = a + a in int8: there is something to choose.
tflite::testing::ModelSpec QuantizedAdd() {
  const auto tensor = [](const char* name, float scale) {
    return tflite::testing::TensorSpec{.name = name,
                                       .type = tflite::TensorType::kInt8,
                                       .shape = {1, 64},
                                       .scale = {scale},
                                       .zero_point = {0}};
  };
  tflite::testing::ModelSpec spec = tflite::testing::AddModel();
  spec.subgraphs[0] = {.tensors = {tensor("a", 1), tensor("y", 2)},
                       .operators = {{.inputs = {0, 0}, .outputs = {1}, .version = 2}},
                       .inputs = {0},
                       .outputs = {1}};
  return spec;
}

TEST_F(ProbeTest, TheFormIsChosenInAChildAndKept) {
  const FileOnDisk quantized(QuantizedAdd());
  ModelFacts facts(folder_ + "/facts");
  std::string reports[2];
  for (std::string& report : reports) {
    const auto probe =
        MakeProcessProbe({.command = &report == reports ? ThisProgram() : Shell("kill -SEGV $$"),
                          .program_version = "1"},
                         facts);
    const auto model = TfliteModel::Load({.model_path = quantized.path(), .probe = probe.get()});
    ASSERT_TRUE(model.ok()) << model.status();
    report = (*model)->report().preparation;
  }
  EXPECT_THAT(reports[0], HasSubstr(" ms"));
  EXPECT_EQ(reports[1], reports[0]);
}

TEST_F(ProbeTest, AFormThatKillsTheChildIsNotTaken) {
  const FileOnDisk quantized(QuantizedAdd());
  ModelFacts facts(folder_ + "/facts");
  const auto probe = MakeProcessProbe(
      {.command =
           Shell("case \"$*\" in *--choose-form*) echo '@stage compares'; kill -SEGV $$;; esac; "
                 "echo '@answer 0 \"\"'"),
       .program_version = "1"},
      facts);
  const auto model = TfliteModel::Load({.model_path = quantized.path(), .probe = probe.get()});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_FALSE((*model)->report().prepared);
  EXPECT_THAT((*model)->report().preparation,
              AllOf(HasSubstr("as given: "), HasSubstr("SIGSEGV"), HasSubstr("compares")));
}

TEST(ProbeTrace, NamesEveryOperatorThatIsPreparedAndRun) {
  const FileOnDisk file(tflite::testing::AddModel());
  const auto mapped = MappedFile::Open(file.path());
  ASSERT_TRUE(mapped.ok());
  class Names : public LoadObserver {
   public:
    void Stage(std::string_view) override {}
    bool WantsOperators() const override { return true; }
    void Operator(std::string_view operation, std::string_view name) override {
      told.push_back(std::string(operation) + " " + std::string(name));
    }
    std::vector<std::string> told;
  };
  Names names;
  const auto model =
      TfliteModel::Load({.model_path = file.path(), .allow_delegate = false, .observer = &names});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(names.told,
              ::testing::IsSupersetOf({"prepares operator 0 (ADD)", "runs operator 0 (ADD)"}));
}

TEST(ProbeTale, HoldsLittleOfWhateverIsWritten) {
  ProbeTale tale;
  for (int i = 0; i < 100; ++i) tale.Add(std::string(100'000, 'x'));
  tale.Add("\n@stage reads");
  EXPECT_EQ(tale.stage(), "");
  tale.Add(" the file\nnoise\n@answer 3 \"wrong \\u0000 file\"\n@answer x\n@answer 3 [\n");
  EXPECT_EQ(tale.stage(), "reads the file");
  EXPECT_TRUE(tale.answered());
  EXPECT_EQ(MessageOf(tale.answer()), std::string("wrong \0 file", 12));
}

}  // namespace
}  // namespace bowerbird::infer
