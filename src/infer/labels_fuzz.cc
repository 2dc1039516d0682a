// SPDX-License-Identifier: Apache-2.0
//
// Label files with hostile bytes. Seeds are made at start and written into the first corpus folder
// of the command line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "infer/labels.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::filesystem::path folder = (*argv)[i];
    if (!std::filesystem::is_directory(folder)) continue;
    int number = 0;
    for (const std::string_view seed :
         {"cat\ndog\nbird\n", "cat\r\ndog\r\n", "cat,dog, bird\n", "traffic light", "\n \t\n",
          "\xEF\xBB\xBF"
          "cat\n\nK\xC3\xA4tzchen\n"}) {
      std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary) << seed;
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto labels = bowerbird::infer::ParseLabels(text);
  if (!labels.ok()) return 0;
  size_t characters = 0;
  for (const std::string& label : *labels) {
    Require(label.find('\n') == std::string::npos && label.find('\0') == std::string::npos);
    characters += label.size();
  }
  Require(characters <= size && labels->size() <= size + 1);
  // Only a single line is split further.
  Require(labels->size() < 2 || std::ranges::count(text, '\n') > 0 ||
          text.find_first_of(", ") != std::string_view::npos);
  return 0;
}
