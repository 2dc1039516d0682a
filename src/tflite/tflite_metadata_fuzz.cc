// SPDX-License-Identifier: Apache-2.0
//
// A hostile .tflite file: verifier, graph, its checks, packed metadata, the zip behind it. The same
// bytes are also read as a metadata buffer alone and as an archive alone, which mutations reach
// more easily than through a whole model. Seeds are made at start and written into the first corpus
// folder of the command line.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "tflite/checks.h"
#include "tflite/footprint.h"
#include "tflite/graph.h"
#include "tflite/metadata.h"
#include "tflite/operator_probe.h"
#include "tflite/testing/model_file.h"
#include "tflite/zip.h"

namespace bowerbird::tflite {
namespace {

constexpr size_t kMaxEntryBytes = size_t{1} << 20;
constexpr size_t kAlignment = 16;

void Require(bool condition) {
  if (!condition) std::abort();
}

void ReadModel(std::span<const std::byte> file) {
  const absl::StatusOr<Graph> graph = ReadGraph(file);
  if (!graph.ok()) return;
  const std::span<const std::byte> metadata = graph->MetadataBuffer(kMetadataName);
  if (!metadata.empty()) (void)ReadFileMetadata(metadata);
  for (const OperatorCode& code : graph->operator_codes)
    Require(code.Name().size() < file.size() + 32);
  if (!CheckGraph(*graph).ok()) return;
  Require(UnreadTensors(*graph).size() == graph->subgraphs.size());
  Require(Measure(*graph).constant_bytes <= file.size() * graph->buffers.size());
  // What the runtime is asked about operators is itself a file that holds.
  const std::string probe = OperatorProbe(graph->operator_codes);
  const absl::StatusOr<Graph> again = ReadGraph(std::as_bytes(std::span(probe)));
  Require(again.ok() && CheckGraph(*again).ok());
}

void ReadArchive(std::span<const std::byte> file) {
  const absl::StatusOr<std::vector<ZipEntry>> entries = ReadZipDirectory(file);
  if (!entries.ok()) return;
  Require(entries->size() <= 1000);
  for (const ZipEntry& entry : *entries) {
    const absl::StatusOr<std::string> text = ReadZipEntry(file, entry, kMaxEntryBytes);
    Require(!text.ok() || (text->size() == entry.size && text->size() <= kMaxEntryBytes));
  }
}

void One(const uint8_t* data, size_t size) {
  // A block of its own of that size, so that a read beyond it is seen; aligned as mapped files are.
  void* copy = nullptr;
  Require(posix_memalign(&copy, kAlignment, size) == 0);
  if (size > 0) std::memcpy(copy, data, size);
  const std::span<const std::byte> file(static_cast<const std::byte*>(copy), size);
  ReadModel(file);
  (void)ReadFileMetadata(file);
  ReadArchive(file);
  std::free(copy);
}

FileMetadata RichMetadata() {
  FileMetadata metadata;
  metadata.name = "finder";
  metadata.description = "finds";
  metadata.version = "1";
  metadata.author = "a";
  metadata.license = "b";
  metadata.inputs.resize(2);
  metadata.inputs[0].name = "image";
  metadata.inputs[0].is_image = true;
  metadata.inputs[0].mean = {127.5F, 127.5F, 127.5F};
  metadata.inputs[0].std = {128.0F, 128.0F, 128.0F};
  metadata.inputs[0].min = {0};
  metadata.inputs[0].max = {255};
  metadata.outputs.resize(1);
  metadata.outputs[0].boxes.emplace();
  metadata.outputs[0].boxes->form = BoundingBoxes::Form::kBoundaries;
  metadata.outputs[0].boxes->index = {1, 0, 3, 2};
  metadata.outputs[0].associated_files = {{.name = "labels.txt",
                                           .description = "names",
                                           .type = AssociatedFileType::kTensorValueLabels,
                                           .locale = "en"}};
  return metadata;
}

testing::ModelSpec RichModel() {
  testing::ModelSpec spec = testing::AddModel(2);
  testing::SubgraphSpec& main = spec.subgraphs[0];
  main.tensors.push_back({.name = "w",
                          .type = TensorType::kInt8,
                          .shape = {3, 2},
                          .data = "abcdef",
                          .scale = {0.5F, 0.25F, 2.0F},
                          .zero_point = {0, 0, 0}});
  main.tensors.push_back({.name = "z", .shape = {1, 3}, .shape_signature = {-1, 3}});
  main.operators.push_back(
      {.code = testing::kFullyConnected, .inputs = {2, 3, -1}, .outputs = {4}, .version = 3});
  main.operators.push_back({.code = testing::kCustom,
                            .inputs = {4},
                            .outputs = {},
                            .custom_code = "TFLite_Detection_PostProcess",
                            .custom_options = std::string("\x01\x02\x03\x04", 4)});
  spec.metadata = RichMetadata();
  spec.files = {{.name = "labels.txt", .contents = "cat\ndog\n"},
                {.name = "plain.txt", .contents = "as it is", .deflate = false}};
  return spec;
}

std::vector<std::string> Seeds() {
  testing::ModelSpec loop = testing::AddModel(1);
  loop.subgraphs.push_back(loop.subgraphs[0]);
  loop.subgraphs.push_back(loop.subgraphs[0]);
  loop.subgraphs[0].operators = {
      {.code = testing::kWhile, .inputs = {0, 1}, .outputs = {2}, .subgraphs = {1, 2}}};
  return {testing::ModelFile(testing::AddModel()), testing::ModelFile(RichModel()),
          testing::ModelFile(loop), testing::MetadataBuffer(RichMetadata()),
          testing::ZipArchive(RichModel().files)};
}

}  // namespace
}  // namespace bowerbird::tflite

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::filesystem::path folder = (*argv)[i];
    if (!std::filesystem::is_directory(folder)) continue;
    int number = 0;
    for (const std::string& seed : bowerbird::tflite::Seeds()) {
      std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary) << seed;
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bowerbird::tflite::One(data, size);
  return 0;
}
