// SPDX-License-Identifier: Apache-2.0
#include "model_mutants.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <span>

#include "tflite/graph.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::robustness {
namespace {

constexpr uint64_t kSeed = 20240229;
constexpr size_t kCut = 64;

// An allocation of its own, aligned as the reader wants it.
std::vector<std::byte> Aligned(const std::string& file) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Flip(std::string& file, size_t at, uint64_t bit) {
  file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ (1U << bit));
}

void Put(std::string& file, size_t at, int32_t value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

// A model that names `file` as its labels, which a load unpacks.
std::string LabelledModel(const std::vector<tflite::testing::PackedFile>& files) {
  tflite::testing::ModelSpec spec = tflite::testing::AddModel();
  spec.metadata.emplace();
  spec.metadata->inputs.resize(2);
  spec.metadata->outputs.resize(1);
  spec.metadata->outputs[0].associated_files = {
      {.name = "labels.txt",
       .description = "",
       .type = tflite::AssociatedFileType::kTensorValueLabels,
       .locale = ""}};
  spec.files = files;
  return tflite::testing::ModelFile(spec);
}

std::string Bomb(size_t index) {
  constexpr size_t kLarge = size_t{64} << 20;
  std::string lines;
  switch (index) {
    case 0:
      return LabelledModel({{.name = "labels.txt", .contents = std::string(kLarge, 'a')}});
    case 1:
      return LabelledModel({{.name = "labels.txt", .contents = std::string(kLarge, '\n')}});
    case 2:
      for (size_t i = 0; i < kLarge / 16; ++i) lines += "a\n";
      return LabelledModel({{.name = "labels.txt", .contents = std::move(lines)}});
    default: {
      std::vector<tflite::testing::PackedFile> many(
          3000, {.name = "labels.txt", .contents = std::string(4096, 'b')});
      return LabelledModel(many);
    }
  }
}
constexpr size_t kBombs = 4;

}  // namespace

MutantSource::MutantSource(std::string name, Kind kind, std::string original, size_t count)
    : name_(std::move(name)), kind_(kind), original_(std::move(original)), count_(count) {
  const std::vector<std::byte> file = Aligned(original_);
  const auto graph = tflite::ReadGraph(file);
  if (!graph.ok()) return;
  std::set<std::pair<size_t, size_t>> weights;
  for (const tflite::Buffer& buffer : graph->buffers) {
    if (buffer.data.size() < kCut) continue;  // small constants are worth a flip
    const auto first = static_cast<size_t>(buffer.data.data() - file.data());
    weights.emplace(first, first + buffer.data.size());
  }
  size_t at = 0;
  for (const auto& [first, last] : weights) {
    if (first > at) tables_.emplace_back(at, first);
    at = std::max(at, last);
  }
  if (at < original_.size()) tables_.emplace_back(at, original_.size());
  for (const auto& [first, last] : tables_) table_bytes_ += last - first;
  for (const tflite::Tensor& tensor : graph->subgraphs[0].tensors) {
    if (tensor.shape.size() < 2) continue;
    // As a vector lies in the file: its length, then its elements.
    std::vector<int32_t> pattern = {static_cast<int32_t>(tensor.shape.size())};
    pattern.insert(pattern.end(), tensor.shape.begin(), tensor.shape.end());
    const std::string text = tflite::testing::BytesOf(pattern);
    const size_t found = original_.find(text);
    for (size_t i = 0; found != std::string::npos && i < tensor.shape.size(); ++i)
      extents_.push_back(found + (i + 1) * sizeof(int32_t));
  }
}

std::string MutantSource::Make(size_t index) const {
  const uint64_t seed = kSeed + index * 7919 + std::hash<std::string>()(name_);
  switch (kind_) {
    case Kind::kFlips:
      return Flipped(seed);
    case Kind::kCuts:
      return original_.substr(0, index * kCut % std::max<size_t>(original_.size(), 1));
    case Kind::kShapes:
      return WithOtherShape(seed);
    case Kind::kArchive:
      return WithArchive(index, seed);
  }
  return original_;
}

std::string MutantSource::Flipped(uint64_t seed) const {
  std::mt19937_64 random(seed);
  std::string file = original_;
  const bool in_tables = random() % 2 == 0 && table_bytes_ > 0;
  for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
    size_t at = random() % (in_tables ? table_bytes_ : file.size());
    if (in_tables) {
      for (const auto& [first, last] : tables_) {
        if (at < last - first) {
          at += first;
          break;
        }
        at -= last - first;
      }
    }
    Flip(file, at, random() % 8);
  }
  return file;
}

std::string MutantSource::WithOtherShape(uint64_t seed) const {
  std::mt19937_64 random(seed);
  std::string file = original_;
  if (extents_.empty()) return file;
  for (uint64_t changes = 1 + random() % 2; changes > 0; --changes) {
    const size_t at = extents_[random() % extents_.size()];
    int32_t extent = 0;
    std::memcpy(&extent, file.data() + at, sizeof extent);
    const int32_t lies[] = {0,          1,          -1,      extent + 1, extent - 1,
                            extent * 2, extent / 2, 1 << 16, 1 << 30,    0x7fffffff};
    Put(file, at, lies[random() % std::size(lies)]);
  }
  return file;
}

std::string MutantSource::WithArchive(size_t index, uint64_t seed) const {
  if (index < kBombs) return Bomb(index);
  std::mt19937_64 random(seed);
  std::string file = original_;
  const size_t tail = std::min<size_t>(file.size(), 400);
  for (uint64_t flips = 1 + random() % 6; flips > 0; --flips)
    Flip(file, file.size() - 1 - random() % tail, random() % 8);
  return file;
}

std::vector<MutantSource> Corpus(const std::string& data, bool full) {
  using Kind = MutantSource::Kind;
  // Float and uint8 pictures, post-processing, a vocabulary, signed int8.
  const char* const models[] = {"classify/mobilenet_v1_0.25_224_1_metadata_1.tflite",
                                "classify/mobilenet_v1_0.25_224_quant.tflite",
                                "detect/ssd_mobilenet_v1.tflite", "text/text_classification.tflite",
                                "audio/micro_speech_quantized.tflite"};
  std::vector<MutantSource> corpus;
  for (const std::string model : models) {
    const std::string file = ReadFile(data + "/models/" + model);
    const std::string name = model.substr(model.find('/') + 1);
    const bool is_slow = name.starts_with("ssd");
    const size_t flips = full ? (is_slow ? 1000 : 2250) : (is_slow ? 30 : 150);  // 10,000 in all
    corpus.emplace_back("flips of " + name, Kind::kFlips, file, flips);
    corpus.emplace_back("shapes of " + name, Kind::kShapes, file,
                        full ? (is_slow ? 100 : 400) : (is_slow ? 15 : 60));
    if (!is_slow) {
      const size_t cuts = file.size() / kCut;
      corpus.emplace_back("cuts of " + name, Kind::kCuts, file,
                          full ? cuts : std::min<size_t>(cuts, 300));
    }
  }
  corpus.emplace_back("archives", Kind::kArchive,
                      LabelledModel({{.name = "labels.txt", .contents = "cat\ndog\n"},
                                     {.name = "more.txt", .contents = std::string(500, 'x')}}),
                      full ? 2000 : 150);
  return corpus;
}

}  // namespace bowerbird::robustness
