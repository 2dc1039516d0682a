// SPDX-License-Identifier: Apache-2.0
//
// For tests: a folder of its own on a file system that fails by plan, and records to write there.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/faulty_file_system.h"
#include "base/metrics.h"
#include "capture/capture_files.h"
#include "capture/capture_writer.h"
#include "capture/record.h"
#include "gtest/gtest.h"

namespace bowerbird::capture {

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() : files_(MakeFileSystem()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "capture-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~CaptureTest() override { std::filesystem::remove_all(folder_); }

  static Time At(int64_t microseconds) {
    return Time(std::chrono::seconds(1767323045) + std::chrono::microseconds(microseconds));
  }

  static Captured Binary(std::string bytes, int64_t at = 1) {
    Captured captured;
    captured.header = {"rdk:component:camera", "cam", "ReadImage", DataKind::kBinary,
                       Json::object(),         "",    {"night"},   "image/jpeg"};
    captured.record.bytes = std::move(bytes);
    captured.record.requested = At(at);
    captured.record.received = At(at + 1);
    return captured;
  }
  static Captured Tabular(double value, int64_t at = 1) {
    Captured captured;
    captured.header = {"rdk:component:sensor", "s",    "Readings", DataKind::kTabular,
                       Json::object(),         ".dat", {},         ""};
    captured.record.readings = {{"readings", {{"value", value}}}};
    captured.record.requested = At(at);
    captured.record.received = At(at + 1);
    return captured;
  }

  // The names of all files below the folder that end so, relative to it.
  std::vector<std::string> Files(const std::string& suffix) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      const std::string path = entry.path().string();
      if (entry.is_regular_file() && path.ends_with(suffix))
        found.push_back(path.substr(folder_.size() + 1));
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  CaptureWriter::Options WriterOptions() {
    return {folder_, 262144, [this] { return now_; }};
  }

  static bool Soon(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  FaultyFileSystem files_;
  Metrics metrics_;
  std::string folder_;
  Time now_ = At(678901);
};

}  // namespace bowerbird::capture
