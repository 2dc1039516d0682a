// SPDX-License-Identifier: Apache-2.0
#include "base/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

Subprocess::Options Argv(std::vector<std::string> argv) {
  Subprocess::Options options;
  options.argv = std::move(argv);
  return options;
}

Subprocess::Options Shell(const std::string& script) { return Argv({"sh", "-c", script}); }

std::unique_ptr<Subprocess> MustStart(Subprocess::Options options) {
  auto child = Subprocess::Start(std::move(options));
  EXPECT_TRUE(child.ok()) << child.status();
  return child.ok() ? *std::move(child) : nullptr;
}

std::string ReadAll(Subprocess& child) {
  std::string all;
  std::array<char, 1000> buffer;
  while (true) {
    const auto count = child.Read(buffer, Clock::now() + seconds(20));
    EXPECT_TRUE(count.ok()) << count.status();
    if (!count.ok() || *count == 0) return all;
    all.append(buffer.data(), *count);
  }
}

// A zombie that init has not collected yet is dead.
bool ProcessExists(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return false;
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end, 3, ") Z") != 0;
}

bool WaitUntilGone(pid_t pid) {
  const auto deadline = Clock::now() + seconds(10);
  while (ProcessExists(pid)) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

TEST(Subprocess, GivesTheOutputAndTheExitCode) {
  const auto child = MustStart(Shell("echo one; echo two >&2; exit 3"));
  EXPECT_EQ(ReadAll(*child), "one\n");
  EXPECT_EQ(child->Wait()->ToString(), "exited with 3");
  EXPECT_FALSE(child->Wait()->ok());
  EXPECT_EQ(child->Stderr(), "two\n");
  EXPECT_FALSE(child->running());
}

TEST(Subprocess, ArgumentsArriveUnchanged) {
  Subprocess::Options options;
  options.argv = {"printf", "%s|", "a b", "", "$HOME", "-x", "--", "q\"'\\"};
  EXPECT_EQ(ReadAll(*MustStart(options)), "a b||$HOME|-x|--|q\"'\\|");
}

TEST(Subprocess, TellsTheSignalThatKilledIt) {
  const auto child = MustStart(Shell("kill -SEGV $$"));
  EXPECT_EQ(child->Wait()->ToString(), "killed by SIGSEGV");
  EXPECT_EQ(child->Wait()->signal, SIGSEGV);
}

TEST(Subprocess, AnUnknownProgramIsNotFoundByName) {
  const auto child = Subprocess::Start(Argv({"no-such-program-here"}));
  EXPECT_TRUE(absl::IsNotFound(child.status()));
  EXPECT_THAT(MessageOf(child.status()), HasSubstr("no-such-program-here"));
  EXPECT_TRUE(absl::IsNotFound(Subprocess::Start(Argv({"/etc/passwd"})).status()));
  EXPECT_TRUE(absl::IsNotFound(Subprocess::Start(Argv({""})).status()));
  EXPECT_FALSE(Subprocess::Start(Argv({})).ok());
}

TEST(Subprocess, RunsInTheGivenFolderWithTheGivenVariables) {
  auto options = Shell("pwd; echo \"$BOWERBIRD_TEST_A,$PATH\"");
  options.directory = "/usr/share";
  options.environment = {{"BOWERBIRD_TEST_A", "x=y z"}, {"PATH", "/nowhere"}};
  EXPECT_EQ(ReadAll(*MustStart(options)), "/usr/share\nx=y z,/nowhere\n");
  options.directory = "/no/such/folder";
  EXPECT_THAT(MessageOf(Subprocess::Start(options).status()), HasSubstr("/no/such/folder"));
}

TEST(Subprocess, ARelativePathMeansOurFolderNotTheChilds) {
  const auto folder = std::filesystem::temp_directory_path() / "bowerbird_subprocess_test";
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file("/bin/sh", folder / "shell",
                             std::filesystem::copy_options::overwrite_existing);
  Subprocess::Options options;
  options.argv = {std::filesystem::relative(folder / "shell").string(), "-c", "echo here"};
  options.directory = "/usr";
  EXPECT_EQ(ReadAll(*MustStart(options)), "here\n");
  std::filesystem::remove_all(folder);
}

TEST(Subprocess, NoOtherDescriptorOfOursReachesIt) {
  const int file = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_EQ(dup2(file, 50), 50);
  EXPECT_EQ(ReadAll(*MustStart(Argv({"ls", "/proc/self/fd"}))), "0\n1\n2\n3\n");  // 3 is its own
  close(50);
  close(file);
}

TEST(Subprocess, StartsWithNoSignalBlockedOrIgnored) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set, before;
  sigfillset(&set);
  pthread_sigmask(SIG_SETMASK, &set, &before);
  const auto child = MustStart(Argv({"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  signal(SIGPIPE, SIG_DFL);
  std::istringstream lines(ReadAll(*child));
  for (const std::string wanted : {"SigBlk:", "SigIgn:"}) {
    std::string name;
    uint64_t bits = 1;
    lines >> name >> std::hex >> bits;
    EXPECT_EQ(name, wanted);
    EXPECT_EQ(bits & 0x7fffffff, 0u)
        << name << bits;  // signals 1..31; 32 and 33 are the C library's
  }
}

TEST(Subprocess, WritesToItsInputUntilItIsClosed) {
  auto options = Shell("cat");
  options.input = Subprocess::Stream::kPipe;
  const auto child = MustStart(options);
  const std::string large(300'000, 'x');  // more than a pipe holds
  std::thread writer([&] {
    EXPECT_TRUE(child->Write(large).ok());
    child->CloseInput();
  });
  EXPECT_EQ(ReadAll(*child), large);
  writer.join();
  EXPECT_TRUE(child->Wait()->ok());
}

TEST(Subprocess, WritingToAChildThatReadsNoMoreIsAnErrorNotASignal) {
  auto options = Shell("exec <&-; sleep 60");
  options.input = Subprocess::Stream::kPipe;
  const auto child = MustStart(options);
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    status = child->Write("text");
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST(Subprocess, AWriteThatFindsNoReaderInTimeEnds) {
  auto options = Shell("sleep 60");
  options.input = Subprocess::Stream::kPipe;
  const auto child = MustStart(options);
  const auto status = child->Write(std::string(1 << 20, 'x'), Clock::now() + milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST(Subprocess, ReadKeepsItsDeadline) {
  const auto child = MustStart(Shell("sleep 60"));
  std::array<char, 10> buffer;
  const auto start = Clock::now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(child->Read(buffer, start + milliseconds(50)).status()));
  EXPECT_GE(Clock::now() - start, milliseconds(50));
  EXPECT_LT(Clock::now() - start, seconds(10));
  EXPECT_TRUE(child->running());
}

TEST(Subprocess, InterruptEndsARead) {
  const auto child = MustStart(Shell("sleep 60"));
  std::thread interrupter([&] {
    std::this_thread::sleep_for(milliseconds(30));
    child->Interrupt();
  });
  std::array<char, 10> buffer;
  EXPECT_TRUE(absl::IsCancelled(child->Read(buffer).status()));
  EXPECT_TRUE(absl::IsCancelled(child->Read(buffer).status()));
  interrupter.join();
}

TEST(Subprocess, KillEndsItGently) {
  const auto child =
      MustStart(Shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done"));
  std::array<char, 10> buffer;
  ASSERT_TRUE(child->Read(buffer).ok());
  EXPECT_EQ(child->Kill().ToString(), "exited with 7");
  EXPECT_EQ(ReadAll(*child), "bye\n");
}

TEST(Subprocess, KillEndsWhatIgnoresTermAfterTheGrace) {
  auto options = Shell("trap '' TERM; echo up; while :; do sleep 1; done");
  options.grace = milliseconds(100);
  const auto child = MustStart(options);
  std::array<char, 10> buffer;
  ASSERT_TRUE(child->Read(buffer).ok());
  const auto start = Clock::now();
  EXPECT_EQ(child->Kill().ToString(), "killed by SIGKILL");
  EXPECT_GE(Clock::now() - start, milliseconds(100));
}

TEST(Subprocess, KillEndsAStoppedChild) {
  const auto child = MustStart(Shell("sleep 60"));
  child->Signal(SIGSTOP);
  EXPECT_EQ(child->Kill().ToString(), "killed by SIGTERM");
}

TEST(Subprocess, KillEndsGrandchildrenToo) {
  const auto child = MustStart(Shell("sleep 1000 & echo $!; wait"));
  std::array<char, 32> buffer{};
  ASSERT_TRUE(child->Read(buffer).ok());
  const pid_t grandchild = std::atoi(buffer.data());
  ASSERT_TRUE(ProcessExists(grandchild));
  child->Kill();
  EXPECT_TRUE(WaitUntilGone(grandchild));
}

TEST(Subprocess, WhatItLeavesBehindIsKilledWhenItEnds) {
  const auto child = MustStart(Shell("sleep 1000 & echo $!"));
  const pid_t grandchild = std::atoi(ReadAll(*child).c_str());
  EXPECT_EQ(child->Wait()->ToString(), "exited with 0");
  EXPECT_TRUE(WaitUntilGone(grandchild));
}

TEST(Subprocess, GoingOutOfScopeEndsIt) {
  pid_t pid = -1;
  {
    const auto child = MustStart(Shell("sleep 1000"));
    pid = child->pid();
    ASSERT_TRUE(ProcessExists(pid));
  }
  EXPECT_FALSE(ProcessExists(pid));
}

TEST(Subprocess, ASignalAfterTheEndReachesNobody) {
  const auto child = MustStart(Shell("exit 0"));
  ASSERT_TRUE(child->Wait().has_value());
  child->Signal(SIGKILL);
  EXPECT_EQ(child->Kill().ToString(), "exited with 0");
}

TEST(Subprocess, KeepsTheEndOfALongStderrAndNeverBlocksOnIt) {
  auto options = Shell("i=0; while [ $i -lt 20000 ]; do echo \"line $i\" >&2; i=$((i+1)); done");
  options.stderr_tail = 100;
  const auto child = MustStart(options);
  ASSERT_TRUE(child->Wait(Clock::now() + seconds(60)).has_value());
  EXPECT_EQ(child->Stderr().size(), 100u);
  EXPECT_EQ(child->LastStderrLine(), "line 19999");
}

TEST(Subprocess, TheLastStderrLineIsTheLastThatSaysSomething) {
  const auto child = MustStart(Shell("printf 'first\\nsecond \\n\\n  \\n' >&2"));
  child->Wait();
  EXPECT_EQ(child->LastStderrLine(), "second");
  const auto silent = MustStart(Shell("printf '\\n' >&2"));
  silent->Wait();
  EXPECT_EQ(silent->LastStderrLine(), "");
  const auto single = MustStart(Shell("printf 'only' >&2"));
  single->Wait();
  EXPECT_EQ(single->LastStderrLine(), "only");
}

TEST(Subprocess, WaitKeepsItsDeadline) {
  const auto child = MustStart(Shell("sleep 60"));
  EXPECT_FALSE(child->Wait(Clock::now() + milliseconds(20)).has_value());
  EXPECT_TRUE(child->running());
}

TEST(Subprocess, LimitsHold) {
  auto options = Shell("sleep 0.05; ulimit -n");
  options.limits = {{RLIMIT_NOFILE, 50}};
  EXPECT_EQ(ReadAll(*MustStart(options)), "50\n");
}

TEST(Subprocess, InputAndOutputCanBeNothing) {
  auto options = Shell("cat; echo lost; exit 4");
  options.output = Subprocess::Stream::kNull;
  const auto child = MustStart(options);
  EXPECT_EQ(child->Wait()->code, 4);
  std::array<char, 1> buffer;
  EXPECT_FALSE(child->Read(buffer).ok());
  EXPECT_FALSE(child->Write("x").ok());
}

TEST(Subprocess, ManyAtOnceLeaveNoDescriptorsBehind) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  MustStart(Shell("exit 0"))->Wait();
  const auto before = descriptors();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 10; ++i) {
        const auto child = MustStart(Shell("echo out; echo err >&2"));
        EXPECT_EQ(ReadAll(*child), "out\n");
        EXPECT_TRUE(child->Wait()->ok());
        EXPECT_EQ(child->Stderr(), "err\n");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(descriptors(), before);
}

// Runs in a process of its own, see below: starts a child, says its pid, and waits to be killed.
TEST(SubprocessOfAVictim, DISABLED_Parent) {
  std::unique_ptr<Subprocess> child;
  // The thread that starts a child may end long before the program does.
  std::thread([&] { child = MustStart(Shell("exec sleep 1000")); }).join();
  while (child->running()) {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(child->pid()) + "/comm"), name);
    if (name == "sleep") break;
  }
  std::printf("child %d\n", child->pid());
  std::fflush(stdout);
  child->Wait(Clock::now() + seconds(60));
}

TEST(Subprocess, DiesWhenItsParentIsKilled) {
  Subprocess::Options options;
  options.argv = {std::filesystem::read_symlink("/proc/self/exe").string(),
                  "--gtest_also_run_disabled_tests",
                  "--gtest_filter=SubprocessOfAVictim.DISABLED_Parent"};
  const auto parent = MustStart(options);
  std::string said;
  size_t at = std::string::npos;
  std::array<char, 1000> buffer;
  while (at == std::string::npos || said.find('\n', at) == std::string::npos) {
    const auto count = parent->Read(buffer, Clock::now() + seconds(30));
    ASSERT_TRUE(count.ok() && *count > 0) << said << parent->Stderr();
    said.append(buffer.data(), *count);
    at = said.find("child ");
  }
  const pid_t child = std::atoi(said.c_str() + at + 6);
  ASSERT_TRUE(ProcessExists(child));
  kill(parent->pid(), SIGKILL);  // the parent alone; the child leads another group
  EXPECT_EQ(parent->Wait()->ToString(), "killed by SIGKILL");
  EXPECT_TRUE(WaitUntilGone(child));
}

TEST(FindProgram, LooksThroughPath) {
  EXPECT_THAT(*FindProgram("sh"), ::testing::EndsWith("/sh"));
  EXPECT_EQ(*FindProgram("/bin/sh"), "/bin/sh");
  EXPECT_FALSE(FindProgram("/bin").ok());
  EXPECT_FALSE(FindProgram("").ok());
}

}  // namespace
}  // namespace bowerbird
