// SPDX-License-Identifier: Apache-2.0
//
// A hostile .tflite file before the doctor, whose judges look at graphs that make no sense, too.
// The bytes either are a file, or (first byte 0) a list of changes to a seed graph: numbers in
// places that the judges read, which mutated files rarely reach past the verifier.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "tflite/diagnosis.h"
#include "tflite/diagnosis_inventory.h"
#include "tflite/graph.h"
#include "tflite/metadata.h"
#include "tflite/testing/seed_graphs.h"
#include "tflite/write.h"

namespace bowerbird::tflite {
namespace {

constexpr size_t kAlignment = 16;

void Require(bool condition) {
  if (!condition) std::abort();
}

// What a run would have told, with numbers that need not fit the graph. `shape` chooses among them.
RunFacts Seen(const Graph& graph, uint8_t shape) {
  RunFacts run;
  run.delegate = (shape & 1) != 0 ? "xnnpack" : "none";
  for (const Subgraph& subgraph : graph.subgraphs) {
    run.delegated.emplace_back(subgraph.operators.size() + (shape & 2), (shape & 4) != 0);
  }
  run.largest.assign(shape & 7, shape & 8 ? 1e30 : 0.5);
  return run;
}

void Judge(const Graph& graph, uint8_t shape) {
  Evidence evidence = {.graph = graph};
  const std::span<const std::byte> buffer = graph.MetadataBuffer(kMetadataName);
  if (!buffer.empty()) {
    absl::StatusOr<FileMetadata> metadata = ReadFileMetadata(buffer);
    if (metadata.ok()) {
      evidence.metadata = *std::move(metadata);
    } else {
      evidence.metadata_damage = MessageOf(metadata.status());
    }
  }
  evidence.labels.assign(shape & 31, "label");
  if ((shape & 32) != 0) evidence.refusal = "no";
  if ((shape & 64) != 0) evidence.run = Seen(graph, shape);
  if ((shape & 128) != 0) evidence.runtime_version = "2.9.0";
  const std::vector<Finding> findings = Diagnose(evidence);
  for (size_t i = 0; i < findings.size(); ++i) {
    Require(!findings[i].id.empty() && !findings[i].what.empty() && !findings[i].remedy.empty());
    Require(i == 0 || findings[i - 1].severity >= findings[i].severity);
  }
  (void)NeededRuntime(graph);
  (void)WeightsOf(graph);
  (void)OperatorsOf(graph,
                    evidence.run ? evidence.run->delegated : std::vector<std::vector<bool>>());
}

void AsFile(std::span<const uint8_t> bytes) {
  // A block of its own of that size, so that a read beyond it is seen; aligned as mapped files are.
  void* copy = nullptr;
  Require(posix_memalign(&copy, kAlignment, bytes.size()) == 0);
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  const std::span<const std::byte> file(static_cast<const std::byte*>(copy), bytes.size());
  {
    const absl::StatusOr<Graph> graph = ReadGraph(file);
    if (graph.ok()) Judge(*graph, bytes.back());
  }
  std::free(copy);
}

class Source {
 public:
  explicit Source(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  // Mostly small, sometimes at the ends of the range.
  int32_t Number() {
    const uint8_t byte = Byte();
    if (byte < 200) return static_cast<int32_t>(byte) - 4;
    const int32_t ends[] = {INT32_MAX, INT32_MIN, 1 << 16, 1 << 30, -1};
    return ends[byte % 5];
  }
  template <typename T>
  T* Of(std::vector<T>& from) {
    return from.empty() ? nullptr : &from[Byte() % from.size()];
  }

 private:
  std::span<const uint8_t> bytes_;
};

void ChangeTensor(Source& source, Tensor& tensor) {
  switch (source.Byte() % 6) {
    case 0:
      if (int32_t* extent = source.Of(tensor.shape)) *extent = source.Number();
      break;
    case 1:
      tensor.shape.resize(source.Byte() % 9, source.Number());
      break;
    case 2:
      tensor.type = static_cast<TensorType>(source.Byte() % 24);
      break;
    case 3:
      tensor.buffer = static_cast<uint32_t>(source.Number());
      break;
    case 4:
      tensor.quantization.scale.resize(source.Byte() % 4, 0.5F);
      break;
    default:
      tensor.quantization.zero_point.resize(source.Byte() % 4, source.Number());
  }
}

void ChangeOperator(Source& source, Graph& graph, Operator& op) {
  switch (source.Byte() % 4) {
    case 0:
      if (int32_t* input = source.Of(op.inputs)) *input = source.Number();
      break;
    case 1:
      if (int32_t* output = source.Of(op.outputs)) *output = source.Number();
      break;
    case 2:
      op.code = static_cast<uint32_t>(source.Number());
      break;
    default:
      if (OperatorCode* code = source.Of(graph.operator_codes)) code->builtin = source.Byte();
  }
}

void AsChanges(std::span<const uint8_t> bytes) {
  static const std::vector<Graph> seeds = testing::SeedGraphs();
  Source source(bytes);
  Graph graph = seeds[source.Byte() % seeds.size()];
  const uint8_t shape = source.Byte();
  while (!source.empty()) {
    Subgraph* subgraph = source.Of(graph.subgraphs);
    if (subgraph == nullptr) break;
    const uint8_t what = source.Byte() % 8;
    if (what < 3) {
      if (Tensor* tensor = source.Of(subgraph->tensors)) ChangeTensor(source, *tensor);
    } else if (what < 6) {
      if (Operator* op = source.Of(subgraph->operators)) ChangeOperator(source, graph, *op);
    } else {
      std::vector<int32_t>& ends = what == 6 ? subgraph->inputs : subgraph->outputs;
      ends.resize(source.Byte() % 5, source.Number());
    }
  }
  Judge(graph, shape);
}

}  // namespace
}  // namespace bowerbird::tflite

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::filesystem::path folder = (*argv)[i];
    if (!std::filesystem::is_directory(folder)) continue;
    int number = 0;
    for (const auto& graph : bowerbird::tflite::testing::SeedGraphs()) {
      std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary)
          << *bowerbird::tflite::WriteModel(graph);
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> input(data, size);
  if (size > 0 && data[0] == 0) {
    bowerbird::tflite::AsChanges(input.subspan(1));
  } else if (size > 0) {
    bowerbird::tflite::AsFile(input);
  }
  return 0;
}
