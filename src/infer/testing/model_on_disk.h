// SPDX-License-Identifier: Apache-2.0
//
// A file in the temporary folder for the life of the object.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>

#include "tflite/testing/model_file.h"

namespace bowerbird::infer::testing {

class FileOnDisk {
 public:
  explicit FileOnDisk(const std::string& contents, const std::string& ending = ".tflite") {
    static std::atomic<int> count = 0;
    path_ = ::testing::TempDir() + "bowerbird_" + std::to_string(getpid()) + "_" +
            std::to_string(count++) + ending;
    std::ofstream(path_, std::ios::binary) << contents;
  }
  explicit FileOnDisk(const tflite::testing::ModelSpec& spec)
      : FileOnDisk(tflite::testing::ModelFile(spec)) {}
  ~FileOnDisk() { std::remove(path_.c_str()); }
  FileOnDisk(const FileOnDisk&) = delete;
  FileOnDisk& operator=(const FileOnDisk&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace bowerbird::infer::testing
