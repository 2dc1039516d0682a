// SPDX-License-Identifier: Apache-2.0
//
// For tests: what a probe may run as its child (ProcessProbeOptions::command).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bowerbird::infer::testing {

// This test program, which as a child runs one test only: the one in probe_test.cc that is a child.
inline std::vector<std::string> ThisProgram() {
  return {std::filesystem::read_symlink("/proc/self/exe").string(),
          "--gtest_filter=ProbeChild.LoadsWhatItIsTold"};
}

// A child that does what the shell is told; what it is asked is in "$*".
inline std::vector<std::string> Shell(const std::string& script) {
  return {"/bin/sh", "-c", script, "sh"};
}

}  // namespace bowerbird::infer::testing
