// SPDX-License-Identifier: Apache-2.0
//
// Spoken digits by a head on what YAMNet makes of a sound before it names it: how good is that, by
// the split rule of the trainer, and for a speaker that the head has never heard? Prints the
// shares.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "annotation/split.h"
#include "audio/format.h"
#include "audio/resampler.h"
#include "infer/tflite_model.h"
#include "tflite/edit.h"
#include "tflite/graph.h"
#include "tflite/write.h"
#include "train/head_fit.h"
#include "train/taps.h"

namespace bowerbird {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigits = 10;
constexpr double kPenalty = 1e-3;
// Recordings of each digit and speaker that are looked at; all fifty only change the last decimals.
constexpr int kMostTakes = 50;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The samples of a plain WAV file of 16 bits and one channel, at 16 kHz.
std::vector<float> ReadDigit(const fs::path& path) {
  const std::string bytes = ReadFile(path);
  const size_t data = bytes.find("data");
  uint32_t rate = 0, size = 0;
  std::memcpy(&rate, bytes.data() + 24, 4);
  std::memcpy(&size, bytes.data() + data + 4, 4);
  const auto samples = audio::Decode(audio::Codec::kPcm16, bytes.substr(data + 8, size));
  auto resampler = audio::Resampler::Create(static_cast<int>(rate), 16000);
  return *resampler->Push(*samples, true);
}

// YAMNet up to its last pooling: a window to 1024 numbers.
std::string EmbeddingFile(const std::string& yamnet) {
  auto graph = tflite::ReadGraph(std::as_bytes(std::span(yamnet)));
  EXPECT_TRUE(graph.ok()) << graph.status();
  const auto taps = train::FindTaps(*graph);
  EXPECT_TRUE(taps.ok()) << taps.status();
  const std::vector<int32_t> inputs = graph->subgraphs[0].inputs;
  EXPECT_TRUE(tflite::Cut(*graph, inputs, *taps).ok());
  return *tflite::WriteModel(*graph);
}

// What the numbers stand for: the published file computes in int8.
std::vector<float> Real(const infer::TensorView& view, const infer::TensorInfo& info) {
  if (view.type == infer::DType::kFloat32) {
    const auto values = view.As<float>();
    return {values.begin(), values.end()};
  }
  EXPECT_EQ(view.type, infer::DType::kInt8);
  std::vector<float> values;
  for (const int8_t stored : view.As<int8_t>()) {
    values.push_back(static_cast<float>((stored - info.quantization.zero_point)) *
                     static_cast<float>(info.quantization.scale));
  }
  return values;
}

struct Digits {
  train::Examples examples;
  std::vector<std::string> names, speakers;
};

// "7_nicolas_32.wav"
Digits Embed(const fs::path& folder, const infer::Model& model) {
  Digits digits;
  digits.examples.labels = kDigits;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& path : files) {
    const std::string name = path.filename().string();
    if (path.extension() != ".wav" ||
        std::atoi(name.substr(name.rfind('_') + 1).c_str()) >= kMostTakes)
      continue;
    const auto samples = ReadDigit(path);
    auto lease = model.Acquire({});
    EXPECT_TRUE(lease.ok());
    const auto input = (*lease)->Input(0);
    std::memset(input.data(), 0, input.size());
    std::memcpy(input.data(), samples.data(),
                std::min(input.size(), samples.size() * sizeof(float)));
    EXPECT_TRUE((*lease)->Invoke({}).ok());
    const std::vector<float> embedding = Real((*lease)->Output(0), model.metadata().outputs[0]);
    digits.examples.depth = embedding.size();
    digits.examples.features.insert(digits.examples.features.end(), embedding.begin(),
                                    embedding.end());
    digits.examples.truth.push_back({static_cast<uint32_t>(name[0] - '0')});
    digits.speakers.push_back(name.substr(2, name.rfind('_') - 2));
    digits.names.push_back("recordings/" + name);
  }
  return digits;
}

double Accuracy(const Digits& digits, const std::vector<size_t>& training,
                const std::vector<size_t>& held_out) {
  const auto head = train::FitHead(digits.examples, training, kPenalty);
  EXPECT_TRUE(head.ok()) << head.status();
  size_t right = 0;
  for (const size_t row : held_out) {
    const auto scores = train::Apply(*head, digits.examples, row);
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    right += static_cast<size_t>(best) == digits.examples.truth[row][0] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(held_out.size());
}

TEST(SpokenDigits, AreToldApartByAHeadOnYamnet) {
  const char* data = std::getenv("BOWERBIRD_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set";
  const fs::path root(data);
  const fs::path file = fs::path(testing::TempDir()) / "yamnet_embedding.tflite";
  std::ofstream(file, std::ios::binary) << EmbeddingFile(
      ReadFile(root / "models/audio/yamnet_audio_classifier_with_metadata.tflite"));
  infer::TfliteOptions options;
  options.model_path = file.string();
  const auto model = infer::TfliteModel::Load(options);
  ASSERT_TRUE(model.ok()) << model.status();
  const Digits digits = Embed(root / "datasets/audio-fsdd-part1/recordings", **model);
  ASSERT_EQ(digits.examples.depth, 1024u);
  ASSERT_GT(digits.examples.rows(), 1000u);

  double sum = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    std::vector<annotation::SplitItem> items(digits.names.size());
    for (size_t i = 0; i < items.size(); ++i) items[i].key = digits.names[i];
    const auto sides = annotation::AssignSplits(items, {.seed = seed});
    ASSERT_TRUE(sides.ok());
    std::vector<size_t> training, held_out;
    for (size_t i = 0; i < items.size(); ++i)
      ((*sides)[i] == annotation::Split::kValidation ? held_out : training).push_back(i);
    const double accuracy = Accuracy(digits, training, held_out);
    std::printf("[ digits   ] seed %d: %.1f %% of %zu right, %zu to learn from\n",
                static_cast<int>(seed), 100 * accuracy, held_out.size(), training.size());
    sum += accuracy;
  }
  EXPECT_GT(sum / 3, 0.8);

  std::map<std::string, std::vector<size_t>> by_speaker;
  for (size_t i = 0; i < digits.speakers.size(); ++i) by_speaker[digits.speakers[i]].push_back(i);
  for (const auto& [speaker, held_out] : by_speaker) {
    std::vector<size_t> training;
    for (size_t i = 0; i < digits.speakers.size(); ++i)
      if (digits.speakers[i] != speaker) training.push_back(i);
    const double accuracy = Accuracy(digits, training, held_out);
    std::printf("[ digits   ] without %s to learn from: %.1f %% of %zu of hers or his right\n",
                speaker.c_str(), 100 * accuracy, held_out.size());
    EXPECT_GT(accuracy, 0.1) << "no better than chance";
  }
}

}  // namespace
}  // namespace bowerbird
