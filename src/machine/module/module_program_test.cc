// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "base/subprocess.h"
#include "machine/module/module_leftovers.h"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ModuleProgramTest : public ::testing::Test {
 protected:
  ModuleProgramTest() {
    folders_.packages = folder_ + "/packages";
    folders_.unpacked = folder_ + "/unpacked";
    module_.name = "m";
    module_.path = "modules[0]";
    module_.type = "registry";
    module_.json = {{"module_id", "acme:m"}, {"version", "1.2"}};
  }
  ~ModuleProgramTest() override { fs::remove_all(folder_); }

  void Write(const std::string& path, const std::string& text, mode_t mode = 0644) const {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  std::string Message() const { return MessageOf(FindModuleProgram(module_, folders_).status()); }

  const std::string folder_ =
      ::testing::TempDir() + "bowerbird_program_" + std::to_string(getpid());
  const std::string package_ = folder_ + "/packages/data/module/acme-m-1_2";
  PackageFolders folders_;
  ModuleConfig module_;
};

// Until the child runs that program: on the way there it has others, and none for moments.
void AwaitProgram(pid_t pid, const std::string& program) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::string name, environment;
  for (int i = 0; i < 5000 && (name != program || environment.empty()); ++i) {
    usleep(1000);
    std::getline(std::ifstream(folder + "/cmdline"), name, '\0');
    std::getline(std::ifstream(folder + "/environ"), environment);
    name = fs::path(name).filename().string();
  }
  ASSERT_EQ(name, program);
}

TEST_F(ModuleProgramTest, ARegistryEntryIsFoundByIdAndVersion) {
  EXPECT_THAT(Message(), HasSubstr("put the archive at " + package_ + ".tar.gz"));
  Write(package_ + "/meta.json", R"({"entrypoint": "bin/run", "first_run": "setup"})");
  EXPECT_THAT(Message(), HasSubstr("bin/run does not exist"));
  Write(package_ + "/bin/run", "#!/bin/sh\n", 0755);
  Write(package_ + "/setup", "#!/bin/sh\n");
  EXPECT_THAT(Message(), HasSubstr("chmod +x"));
  Write(package_ + "/setup", "#!/bin/sh\n", 0755);
  const auto program = FindModuleProgram(module_, folders_);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->root, package_);
  EXPECT_EQ(program->executable, fs::canonical(package_ + "/bin/run"));
  EXPECT_EQ(program->first_run, fs::canonical(package_ + "/setup"));
}

TEST_F(ModuleProgramTest, APackageOfItsNameOrIdGoesBeforeWhatTheEntrySays) {
  PackageConfig package;
  package.type = "module";
  package.name = "m";
  package.package = "org/other";
  package.version = "7";
  EXPECT_EQ(PackageFolderOf(module_, {package}, "/p"), "/p/data/module/org-other-7");
  package.name = "else";
  EXPECT_EQ(PackageFolderOf(module_, {package}, "/p"), "");
  package.package = "acme/m";
  EXPECT_EQ(PackageFolderOf(module_, {package}, "/p"), "/p/data/module/acme-m-7");
  package.type = "ml_model";
  EXPECT_EQ(PackageFolderOf(module_, {package}, "/p"), "");
}

TEST_F(ModuleProgramTest, NothingOutsideOfThePackageIsRun) {
  Write(package_ + "/meta.json", R"({"entrypoint": "/bin/sh"})");
  EXPECT_THAT(Message(), HasSubstr("is not in the archive"));
  Write(package_ + "/meta.json", R"({"entrypoint": "link"})");
  fs::create_symlink("/bin/sh", package_ + "/link");
  EXPECT_THAT(Message(), HasSubstr("is not in the archive"));
  module_.json["version"] = "../../../../etc";
  EXPECT_THAT(Message(), HasSubstr("nothing says where it is"));
}

TEST_F(ModuleProgramTest, AMetaFileThatIsNoneIsToldOf) {
  Write(package_ + "/meta.json", "not JSON");
  EXPECT_THAT(Message(), HasSubstr("is no JSON object"));
  Write(package_ + "/meta.json", "[]");
  EXPECT_THAT(Message(), HasSubstr("is no JSON object"));
  Write(package_ + "/meta.json", R"({"entrypoint": 7})");
  EXPECT_THAT(Message(), HasSubstr("has no \"entrypoint\""));
}

TEST_F(ModuleProgramTest, FirstRunRunsOnceAndIsTriedAgainAfterAFailure) {
  ModuleProgram program;
  program.root = package_;
  program.first_run = package_ + "/setup";
  Write(program.first_run,
        "#!/bin/sh\n[ -e ready ] || { echo not yet >&2; exit 1; }\necho x >> ran\n", 0755);
  EXPECT_THAT(MessageOf(RunFirst(Context(), module_, program, {})), HasSubstr("not yet"));
  Write(package_ + "/ready", "");
  EXPECT_TRUE(RunFirst(Context(), module_, program, {}).ok());
  EXPECT_TRUE(RunFirst(Context(), module_, program, {}).ok());
  EXPECT_EQ(fs::file_size(package_ + "/ran"), 2U);
  module_.json["first_run_timeout"] = "soon";
  fs::remove(package_ + ".first_run_succeeded");
  EXPECT_THAT(MessageOf(RunFirst(Context(), module_, program, {})),
              HasSubstr("modules[0].first_run_timeout"));
}

TEST_F(ModuleProgramTest, ALeftoverIsKnownByTheAddressInItsEnvironment) {
  Subprocess::Options options;
  options.argv = {"sleep", "100"};
  options.environment = {{"VIAM_MODULE_ADDRESS", folder_ + "/a.sock"}};
  const auto child = Subprocess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  AwaitProgram((*child)->pid(), "sleep");
  EXPECT_EQ(KillLeftovers(folder_ + "/b.sock"), 0);
  EXPECT_EQ(KillLeftovers(folder_ + "/a"), 0) << "the beginning of an address is another one";
  EXPECT_TRUE((*child)->running());
  EXPECT_EQ(KillLeftovers(folder_ + "/a.sock"), 1);
  EXPECT_EQ((*child)->Wait()->signal, SIGKILL);
}

}  // namespace
}  // namespace bowerbird::machine
