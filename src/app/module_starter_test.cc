// SPDX-License-Identifier: Apache-2.0
#include "app/module_starter.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Templates of one language and one API, as small as they can be.
class ModuleStarterTest : public testing::Test {
 protected:
  ModuleStarterTest() {
    char name[] = "/tmp/bowerbird-starter-XXXXXX";
    root_ = mkdtemp(name);
    Write("templates/common/meta.json", "@NAMESPACE@:@NAME@ @MODEL@ @ENTRYPOINT@");
    Write("templates/node/main.mjs", "#!/usr/bin/env node\n// @API@\n");
    Write("templates/node/api/sensor/resource.mjs", "// @MODEL@\n");
    Write("proto/module/v1/module.proto",
          "import \"a.proto\";\nimport \"google/protobuf/any.proto\";");
    Write("proto/component/sensor/v1/sensor.proto", "import \"a.proto\";");
    Write("proto/a.proto", "import \"module/v1/module.proto\";");
    Write("proto/unused.proto", "");
    fs::create_directories(root_ + "/out");
  }
  ~ModuleStarterTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << text;
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(root_ + "/out/" + name);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  }
  StarterOptions Options(const std::string& name) const {
    StarterOptions options;
    options.name = name;
    options.language = "node";
    options.parent = root_ + "/out";
    options.templates = root_ + "/templates";
    options.definitions = root_ + "/proto";
    return options;
  }
  bool OutIsEmpty() const { return fs::is_empty(root_ + "/out"); }

  std::string root_;
};

TEST_F(ModuleStarterTest, FillsInNamesAndKeepsProgramsRunnable) {
  StarterOptions options = Options("rain-gauge");
  options.model = "acme:weather:rain";
  const auto folder = WriteStarter(options);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(root_ + "/out/rain-gauge", *folder);
  EXPECT_EQ("acme:rain-gauge acme:weather:rain main.mjs", Read("rain-gauge/meta.json"));
  EXPECT_THAT(Read("rain-gauge/main.mjs"), HasSubstr("rdk:component:sensor"));
  EXPECT_EQ("// acme:weather:rain\n", Read("rain-gauge/resource.mjs"));
  const auto mode = fs::status(*folder + "/main.mjs").permissions();
  EXPECT_NE(fs::perms::none, mode & fs::perms::owner_exec);
}

TEST_F(ModuleStarterTest, BringsTheMessagesOfItsApiAndNoOthers) {
  ASSERT_TRUE(WriteStarter(Options("gauge")).ok());
  EXPECT_THAT(Read("gauge/proto/a.proto"), HasSubstr("module.proto"));
  EXPECT_TRUE(fs::exists(root_ + "/out/gauge/proto/component/sensor/v1/sensor.proto"));
  EXPECT_FALSE(fs::exists(root_ + "/out/gauge/proto/unused.proto"));
  EXPECT_THAT(*ProtoClosure(root_ + "/proto", {"a.proto"}),
              ElementsAre("a.proto", "module/v1/module.proto"));
}

TEST_F(ModuleStarterTest, NamesTheModelAfterTheModuleWhereNoneIsGiven) {
  ASSERT_TRUE(WriteStarter(Options("gauge")).ok());
  EXPECT_THAT(Read("gauge/meta.json"), HasSubstr("local:gauge:sensor"));
}

TEST_F(ModuleStarterTest, NeverOverwrites) {
  Write("out/gauge", "mine");
  const auto folder = WriteStarter(Options("gauge"));
  EXPECT_EQ(absl::StatusCode::kAlreadyExists, folder.status().code());
  EXPECT_EQ("mine", Read("gauge"));
}

TEST_F(ModuleStarterTest, RefusesNamesThatCannotBe) {
  for (const char* name : {"", "Gauge", "9gauge", "../gauge", "rain gauge", "proto", "build"}) {
    const auto folder = WriteStarter(Options(name));
    EXPECT_EQ(absl::StatusCode::kInvalidArgument, folder.status().code()) << name;
  }
  StarterOptions options = Options("gauge");
  for (const char* model : {"rain", "rdk:builtin:rain", "a:b:c:d", "a::c"}) {
    options.model = model;
    EXPECT_EQ(absl::StatusCode::kInvalidArgument, WriteStarter(options).status().code()) << model;
  }
  EXPECT_TRUE(OutIsEmpty());
}

TEST_F(ModuleStarterTest, SaysWhichLanguagesAndApisThereAre) {
  StarterOptions options = Options("gauge");
  options.language = "cobol";
  EXPECT_THAT(MessageOf(WriteStarter(options).status()), HasSubstr("cpp, node, python"));
  options = Options("gauge");
  options.api = "rdk:component:arm";
  EXPECT_THAT(MessageOf(WriteStarter(options).status()), HasSubstr("rdk:service:mlmodel"));
}

TEST_F(ModuleStarterTest, LeavesNothingBehindWhereATemplateIsMissing) {
  fs::remove(root_ + "/proto/a.proto");
  const auto folder = WriteStarter(Options("gauge"));
  EXPECT_THAT(MessageOf(folder.status()), HasSubstr("a.proto is missing"));
  EXPECT_TRUE(OutIsEmpty());
}

}  // namespace
}  // namespace bowerbird::app
