// SPDX-License-Identifier: Apache-2.0
//
// Files that were read as graphs and written again, in the runtime: the same results to the last
// bit. Runs where the environment has models (BOWERBIRD_TEST_DATA).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "infer/mapped_file.h"
#include "infer/plain_model.h"
#include "infer/synthetic_input.h"
#include "infer/tflite_model.h"
#include "tflite/attached_files.h"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;

// Small whole numbers, for models that take the indices of words as floats.
void FillWithIndices(PlainModel& model) {
  constexpr size_t kWords = 100;
  for (int i = 0; i < model.input_count(); ++i) {
    const std::span<std::byte> bytes = model.input(i);
    ASSERT_EQ(model.input_type(i), DType::kFloat32);
    for (size_t at = 0; at < bytes.size(); at += sizeof(float)) {
      const auto word = static_cast<float>(at % kWords);
      std::memcpy(&bytes[at], &word, sizeof(word));
    }
  }
}

// The outputs for one picture, or where the model cannot take that, for one text.
std::vector<std::string> Results(const fs::path& path, bool xnnpack) {
  const auto model = PlainModel::Load({.model_path = path, .xnnpack = xnnpack});
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  for (int i = 0; i < (*model)->input_count(); ++i) {
    FillWithPattern((*model)->input_type(i), (*model)->input_shape(i), (*model)->input(i));
  }
  if (!(*model)->Invoke()) {
    FillWithIndices(**model);
    EXPECT_TRUE((*model)->Invoke());
  }
  std::vector<std::string> results;
  for (int i = 0; i < (*model)->output_count(); ++i) {
    const auto bytes = (*model)->output(i);
    results.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return results;
}

// Reads the graph and the attached files of `from` and writes both to `to`.
absl::Status WriteBack(const fs::path& from, const fs::path& to) {
  constexpr size_t kMaxAttached = size_t{1} << 24;
  ASSIGN_OR_RETURN(const auto file, MappedFile::Open(from));
  ASSIGN_OR_RETURN(const tflite::Graph graph, tflite::ReadGraph(file->bytes()));
  ASSIGN_OR_RETURN(const auto attached, tflite::ReadAttachedFiles(file->bytes(), kMaxAttached));
  ASSIGN_OR_RETURN(const std::string written, tflite::WriteModelFile(graph, attached));
  std::ofstream(to, std::ios::binary) << written;
  return absl::OkStatus();
}

TEST(WriteBack, EveryModelGivesTheSameResultsAndLabels) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no model files to read";
  const fs::path copy =
      fs::path(::testing::TempDir()) / ("write-back-" + std::to_string(::getpid()) + ".tflite");
  int models = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path());
    const auto original = TfliteModel::Load({.model_path = entry.path()});
    if (!original.ok()) continue;  // refused by name, which shared_models_test looks at
    const absl::Status written = WriteBack(entry.path(), copy);
    ASSERT_TRUE(written.ok()) << written;
    const auto again = TfliteModel::Load({.model_path = copy});
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ((*again)->metadata().labels, (*original)->metadata().labels);
    EXPECT_EQ((*again)->metadata().type, (*original)->metadata().type);
    for (const bool xnnpack : {false, true}) {
      EXPECT_EQ(Results(copy, xnnpack), Results(entry.path(), xnnpack)) << "xnnpack " << xnnpack;
    }
    ++models;
  }
  fs::remove(copy);
  EXPECT_GE(models, 20);
}

}  // namespace
}  // namespace bowerbird::infer
