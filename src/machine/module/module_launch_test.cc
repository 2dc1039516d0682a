// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

class ModuleLaunchTest : public ::testing::Test {
 protected:
  ModuleLaunchTest() {
    fs::create_directories(folder_);
    std::ofstream(folder_ + "/run.sh") << "#!/bin/sh\n";
    chmod((folder_ + "/run.sh").c_str(), 0755);
    module_.name = "m";
    module_.executable_path = folder_ + "/run.sh";
    host_.data_dir = folder_ + "/data";
    host_.socket_folder = "/tmp/s";
    host_.parent_address = "/tmp/p";
  }
  ~ModuleLaunchTest() override { fs::remove_all(folder_); }

  absl::StatusOr<ModuleLaunch> Plan() {
    ASSIGN_OR_RETURN(const ModuleProgram program, FindModuleProgram(module_, host_.folders));
    return PlanLaunch(module_, program, host_);
  }

  const std::string folder_ = ::testing::TempDir() + "bowerbird_launch_" + std::to_string(getpid());
  ModuleConfig module_;
  ModuleHost host_;
};

TEST_F(ModuleLaunchTest, TellsTheModuleWhereItIs) {
  const auto launch = Plan();
  ASSERT_TRUE(launch.ok()) << launch.status();
  EXPECT_EQ(launch->argv, (std::vector<std::string>{module_.executable_path, launch->address}));
  EXPECT_EQ(launch->directory, folder_);
  const std::string data = folder_ + "/data/module-data/local/m";
  EXPECT_THAT(launch->environment, Contains(Pair("VIAM_MODULE_DATA", data)));
  EXPECT_THAT(launch->environment, Contains(Pair("VIAM_MODULE_ADDRESS", launch->address)));
  EXPECT_TRUE(fs::is_directory(data));
}

TEST_F(ModuleLaunchTest, TheConfigsEnvironmentCountsExceptForTheAddress) {
  module_.env = {{"VIAM_MODULE_ROOT", "/"}, {"VIAM_MODULE_ADDRESS", "/elsewhere"}, {"A", "b"}};
  const auto launch = Plan();
  ASSERT_TRUE(launch.ok()) << launch.status();
  EXPECT_EQ(launch->directory, "/");
  EXPECT_THAT(launch->environment, Contains(Pair("A", "b")));
  EXPECT_THAT(launch->environment, Contains(Pair("VIAM_MODULE_ROOT", "/")).Times(1));
  EXPECT_THAT(launch->environment, Contains(Pair("VIAM_MODULE_ADDRESS", launch->address)));
  EXPECT_THAT(launch->environment, Not(Contains(Pair("VIAM_MODULE_ADDRESS", "/elsewhere"))));
}

TEST_F(ModuleLaunchTest, ALogLevelIsPassedOn) {
  host_.debug = true;
  EXPECT_EQ(Plan()->argv.back(), "--log-level=debug");
  module_.json = {{"log_level", "warn"}};
  EXPECT_EQ(Plan()->argv.back(), "--log-level=warn");
}

TEST_F(ModuleLaunchTest, SaysWhatIsWrongWithTheProgram) {
  module_.executable_path = folder_ + "/none";
  EXPECT_EQ(Plan().status().code(), absl::StatusCode::kNotFound);
  module_.executable_path = folder_;
  EXPECT_THAT(MessageOf(Plan().status()), HasSubstr("is a folder"));
  std::ofstream(folder_ + "/plain") << "text";
  module_.executable_path = folder_ + "/plain";
  EXPECT_THAT(MessageOf(Plan().status()), HasSubstr("chmod +x"));
}

TEST_F(ModuleLaunchTest, ListensAtATcpPortWhereThatIsAskedFor) {
  module_.json = {{"tcp_mode", true}};
  const auto launch = Plan();
  ASSERT_TRUE(launch.ok()) << launch.status();
  EXPECT_TRUE(launch->tcp());
  EXPECT_THAT(launch->address, ::testing::MatchesRegex("127\\.0\\.0\\.1:[0-9]+"));
  EXPECT_EQ(launch->argv[1], launch->address);
  EXPECT_EQ(launch->argv.back(), "--tcp-mode");
}

TEST_F(ModuleLaunchTest, TakesLimitsAndRefusesWhatIsNone) {
  module_.json = {{"limits", {{"memory_mb", 64}, {"open_files", 32}, {"nice", 5}}}};
  const auto launch = Plan();
  ASSERT_TRUE(launch.ok()) << launch.status();
  EXPECT_THAT(launch->limits, ::testing::UnorderedElementsAre(Pair(RLIMIT_DATA, 64U << 20),
                                                              Pair(RLIMIT_NOFILE, 32U)));
  EXPECT_EQ(launch->nice, 5);
  module_.json = {{"limits", {{"memory", 64}}}};
  EXPECT_THAT(MessageOf(Plan().status()), HasSubstr("is no limit"));
  module_.json = {{"limits", {{"nice", -5}}}};
  EXPECT_EQ(Plan().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ModuleLaunchTest, WhatTheMachineGivesIsTakenWhereNothingElseIsSet) {
  host_.environment = {{"VIAM_API_KEY_ID", "id"}, {"VIAM_API_KEY", "key"}};
  module_.env = {{"VIAM_API_KEY", "its own"}};
  const auto launch = Plan();
  ASSERT_TRUE(launch.ok()) << launch.status();
  EXPECT_THAT(launch->environment, Contains(Pair("VIAM_API_KEY_ID", "id")));
  EXPECT_THAT(launch->environment, Contains(Pair("VIAM_API_KEY", "its own")).Times(1));
}

TEST(ModuleSocketPath, FitsIntoWhatTheSystemAllows) {
  EXPECT_EQ(ModuleSocketPath("/tmp/x", "m", "abcde"), "/tmp/x/m-abcde.sock");
  const std::string long_name(150, 'n');
  const std::string path = ModuleSocketPath("/tmp/x", long_name, "abcde");
  EXPECT_LE(path.size(), 103U);
  EXPECT_NE(path, ModuleSocketPath("/tmp/x", long_name + "2", "abcde"))
      << "names that begin alike stay apart";
}

}  // namespace
}  // namespace bowerbird::machine
