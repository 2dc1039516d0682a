// SPDX-License-Identifier: Apache-2.0
//
// The network against the runtime, on every base model that the environment has.
#include "train/network.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/status.h"
#include "infer/plain_model.h"
#include "tflite/write.h"
#include "train/float_graph.h"
#include "train/network_library.h"

namespace bowerbird::train {
namespace {

namespace fs = std::filesystem;

std::vector<float> Noise(size_t count) {
  std::mt19937 generator(7);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(generator() % 2001) / 1000.0F - 1;
  return values;
}

// What the runtime makes of `input`, every output.
std::vector<std::vector<float>> RunInRuntime(const tflite::Graph& graph,
                                             const std::vector<float>& input) {
  const fs::path path =
      fs::path(::testing::TempDir()) / ("network_" + std::to_string(::getpid()) + ".tflite");
  std::ofstream(path, std::ios::binary) << tflite::WriteModel(graph).value();
  const auto model = infer::PlainModel::Load({.model_path = path.string()}).value();
  std::memcpy(model->input(0).data(), input.data(), input.size() * sizeof(float));
  EXPECT_TRUE(model->Invoke());
  std::vector<std::vector<float>> outputs;
  for (int i = 0; i < model->output_count(); ++i) {
    const std::span<const std::byte> bytes = model->output(i);
    std::vector<float>& output = outputs.emplace_back(bytes.size() / sizeof(float));
    std::memcpy(output.data(), bytes.data(), bytes.size());
  }
  fs::remove(path);
  return outputs;
}

double LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
  }
  return difference / largest;
}

void ExpectParity(const tflite::Graph& graph, const std::string& what) {
  const absl::StatusOr<NetworkEngine*> engine = LoadNetworkEngine();
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto network = (*engine)->Create(graph, {});
  ASSERT_TRUE(network.ok()) << what << ": " << network.status();
  const tflite::Subgraph& main = graph.subgraphs[0];
  size_t elements = 1;
  for (const int32_t extent : main.tensors[static_cast<size_t>(main.inputs[0])].shape)
    elements *= static_cast<size_t>(extent);
  const std::vector<float> input = Noise(elements);
  const auto ours = (*network)->Run(input, 1);
  ASSERT_TRUE(ours.ok()) << what << ": " << ours.status();
  const std::vector<std::vector<float>> theirs = RunInRuntime(graph, input);
  ASSERT_EQ(ours->size(), theirs.size());
  for (size_t i = 0; i < theirs.size(); ++i) {
    const double difference = LargestDifference(theirs[i], (*ours)[i].values);
    EXPECT_LE(difference, 1e-4) << what << ", output " << i;
    ::testing::Test::RecordProperty(what + " " + std::to_string(i), std::to_string(difference));
  }
}

std::vector<fs::path> BaseModels() {
  std::vector<fs::path> paths;
  if (const char* root = std::getenv("BOWERBIRD_TEST_DATA")) {
    for (const char* folder : {"models/classify", "models/detect"}) {
      for (const auto& entry : fs::directory_iterator(fs::path(root) / folder)) {
        if (entry.path().extension() == ".tflite") paths.push_back(entry.path());
      }
    }
  }
  if (const char* base = std::getenv("BOWERBIRD_TEST_BASE")) paths.emplace_back(base);
  return paths;
}

bool HasEngine() { return LoadNetworkEngine().ok(); }

TEST(NetworkParity, EveryBaseModelGivesWhatTheRuntimeGives) {
  if (!HasEngine()) GTEST_SKIP() << MessageOf(LoadNetworkEngine().status());
  if (BaseModels().empty()) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no base models";
  for (const fs::path& path : BaseModels()) {
    const absl::StatusOr<FloatGraph> base = ReadFloatGraph(path.string());
    ASSERT_TRUE(base.ok()) << path << base.status();
    ExpectParity(base->graph, path.filename().string());
  }
}

TEST(NetworkParity, OtherInputSizesGiveWhatTheRuntimeGives) {
  if (!HasEngine()) GTEST_SKIP() << MessageOf(LoadNetworkEngine().status());
  if (BaseModels().empty()) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no base models";
  for (const fs::path& path : BaseModels()) {
    absl::StatusOr<FloatGraph> base = ReadFloatGraph(path.string());
    ASSERT_TRUE(base.ok()) << path << base.status();
    const absl::Status resized = SetInputSize(base->graph, {160, 128});
    ASSERT_TRUE(resized.ok()) << path << resized;
    ExpectParity(base->graph, path.filename().string() + " 160x128");
  }
}

}  // namespace
}  // namespace bowerbird::train
