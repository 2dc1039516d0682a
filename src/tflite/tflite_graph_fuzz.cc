// SPDX-License-Identifier: Apache-2.0
//
// A hostile .tflite file taken as a graph and worked on: shapes and work are computed, it is
// written and read again, cut, pruned and grafted onto itself. What was written holds and does not
// change when it is written once more. The bytes either are a file, or (first byte 0) a list of
// small changes to a seed: numbers in the values of the graph, which mutated files rarely reach
// past the verifier.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/graph.h"
#include "tflite/metadata.h"
#include "tflite/testing/seed_graphs.h"
#include "tflite/work.h"
#include "tflite/write.h"

namespace bowerbird::tflite {
namespace {

constexpr size_t kAlignment = 16;
constexpr size_t kMaxWritten = size_t{1} << 24;  // files may share bytes that a copy must repeat

void Require(bool condition) {
  if (!condition) std::abort();
}

uint64_t BytesToWrite(const Table& table) {
  uint64_t bytes = 64;
  for (const Table::Field& field : table.fields()) {
    bytes += 8 * table.Ints(field.name).size() + 4 * table.Floats(field.name).size() +
             table.Text(field.name).size();
    for (const Table& child : table.Tables(field.name)) bytes += BytesToWrite(child);
  }
  return bytes;
}

uint64_t BytesToWrite(const Graph& graph) {
  uint64_t bytes = 0;
  for (const Buffer& buffer : graph.buffers) bytes += buffer.data.size();
  for (const Subgraph& subgraph : graph.subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      bytes += 64 + tensor.name.size() + 4 * (tensor.shape.size() + tensor.shape_signature.size()) +
               12 * (tensor.quantization.scale.size() + tensor.quantization.zero_point.size()) +
               BytesToWrite(tensor.sparsity) + BytesToWrite(tensor.quantization.details);
    }
    for (const Operator& op : subgraph.operators) {
      bytes += op.custom_options.size() + 4 * (op.inputs.size() + op.outputs.size()) +
               BytesToWrite(op.options) + BytesToWrite(op.options_2);
    }
  }
  return bytes;
}

std::span<const std::byte> Bytes(const std::string& file) { return std::as_bytes(std::span(file)); }

void CheckWritten(const Graph& graph) {
  if (BytesToWrite(graph) > kMaxWritten) return;
  const absl::StatusOr<std::string> file = WriteModel(graph);
  if (!file.ok()) return;
  const absl::StatusOr<Graph> read = ReadGraph(Bytes(*file));
  Require(read.ok());
  Require(read->subgraphs.size() == graph.subgraphs.size());
  const absl::StatusOr<std::string> again = WriteModel(*read);
  Require(again.ok() && *again == *file);
}

void Work(const Graph& graph) {
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    const absl::StatusOr<InferredShapes> shapes = InferShapes(graph, i);
    if (!shapes.ok()) continue;
    Require(shapes->tensors.size() == graph.subgraphs[i].tensors.size());
    Require(MultiplyAdds(graph, i, *shapes).size() == graph.subgraphs[i].operators.size());
  }
  (void)TotalMultiplyAdds(graph);
  Graph reshaped = graph;
  std::vector<Shape> inputs;
  for (const int32_t input : graph.subgraphs[0].inputs) {
    inputs.push_back(graph.subgraphs[0].tensors[static_cast<size_t>(input)].shape);
    if (!inputs.back().empty()) inputs.back()[0] = 3;
  }
  if (Reshape(reshaped, inputs).ok()) CheckWritten(reshaped);
}

void Edit(const Graph& graph) {
  Graph edited = graph;
  if (Prune(edited).ok()) {
    CheckWritten(edited);
    if (CheckGraph(graph).ok()) Require(CheckGraph(edited).ok());
  }
  if (graph.subgraphs.empty()) return;
  const Subgraph& main = graph.subgraphs[0];
  edited = graph;
  const absl::StatusOr<std::vector<int32_t>> ends = Graft(edited, main.outputs, graph);
  if (ends.ok()) CheckWritten(edited);
  if (main.operators.empty()) return;
  const Operator& middle = main.operators[main.operators.size() / 2];
  edited = graph;
  if (Cut(edited, middle.outputs, main.outputs).ok()) CheckWritten(edited);
  edited = graph;
  if (ReplaceOperator(edited, 0, main.operators.size() / 2, {middle, middle}).ok()) {
    (void)CheckGraph(edited);
  }
}

void Exercise(const Graph& graph) {
  CheckWritten(graph);
  Edit(graph);
  if (CheckGraph(graph).ok()) Work(graph);
}

void AsFile(std::span<const uint8_t> data) {
  // A block of its own of that size, so that a read beyond it is seen; aligned as mapped files are.
  void* copy = nullptr;
  Require(posix_memalign(&copy, kAlignment, data.size()) == 0);
  if (!data.empty()) std::memcpy(copy, data.data(), data.size());
  const absl::StatusOr<Graph> graph = ReadGraph({static_cast<const std::byte*>(copy), data.size()});
  if (graph.ok()) Exercise(*graph);
  const absl::StatusOr<FileMetadata> metadata =
      ReadFileMetadata({static_cast<const std::byte*>(copy), data.size()});
  if (metadata.ok() && metadata->unknown.empty()) {
    const absl::StatusOr<std::string> written = WriteFileMetadata(*metadata);
    Require(written.ok());
    const absl::StatusOr<FileMetadata> read = ReadFileMetadata(Bytes(*written));
    // Numbers that equal nothing, not even themselves, are the only difference.
    Require(read.ok() && *WriteFileMetadata(*read) == *written);
  }
  std::free(copy);
}

// Takes numbers from the input; 0 when it is used up.
class Source {
 public:
  explicit Source(std::span<const uint8_t> data) : data_(data) {}
  bool empty() const { return data_.empty(); }

  uint8_t Byte() {
    if (data_.empty()) return 0;
    const uint8_t byte = data_.front();
    data_ = data_.subspan(1);
    return byte;
  }

  // Mostly small, now and then at the edges of the type.
  int32_t Number() {
    constexpr int32_t kEdges[] = {INT32_MIN, INT32_MAX, -1, 0, 1 << 20, 65536, 46341, -2};
    const uint8_t byte = Byte();
    return byte < 200 ? byte % 20 - 3 : kEdges[byte % 8];
  }

  template <typename T>
  T* Pick(std::vector<T>& values) {
    return values.empty() ? nullptr : &values[Byte() % values.size()];
  }

 private:
  std::span<const uint8_t> data_;
};

void ChangeNumber(Source& source, std::vector<int32_t>& numbers) {
  const uint8_t how = source.Byte();
  if (how % 4 == 0 || numbers.empty()) {
    if (numbers.size() < 8) numbers.push_back(source.Number());
  } else if (how % 4 == 1) {
    numbers.pop_back();
  } else {
    *source.Pick(numbers) = source.Number();
  }
}

void ChangeOptions(Source& source, Operator& op) {
  if (op.options.fields().empty()) return;
  const auto& fields = op.options.fields();
  const Table::Field field = fields[source.Byte() % fields.size()];
  if (std::holds_alternative<std::vector<int64_t>>(field.value)) {
    std::vector<int64_t> numbers = std::get<std::vector<int64_t>>(field.value);
    numbers.push_back(source.Number());
    (void)op.options.Set(field.name, numbers);
  } else {
    (void)op.options.Set(field.name, source.Number());
  }
}

void ChangeConstant(Source& source, Graph& graph, Tensor& tensor) {
  std::vector<std::byte> bytes(graph.buffers[tensor.buffer].data.begin(),
                               graph.buffers[tensor.buffer].data.end());
  const int32_t number = source.Number();
  if (tensor.type != TensorType::kInt32 || bytes.size() < sizeof(number)) return;
  const size_t at = source.Byte() % (bytes.size() / sizeof(number)) * sizeof(number);
  std::memcpy(&bytes[at], &number, sizeof(number));
  SetConstant(graph, tensor, std::move(bytes));
}

void AsChanges(std::span<const uint8_t> data) {
  Source source(data);
  static const std::vector<Graph>& seeds = *new std::vector<Graph>(testing::SeedGraphs());
  Graph graph = seeds[source.Byte() % seeds.size()];
  for (int i = 0; i < 32 && !source.empty(); ++i) {
    Subgraph& main = graph.subgraphs[0];
    Operator* op = source.Pick(main.operators);
    Tensor* tensor = source.Pick(main.tensors);
    if (op == nullptr || tensor == nullptr) break;
    switch (source.Byte() % 6) {
      case 0:
        ChangeNumber(source, op->inputs);
        break;
      case 1:
        ChangeNumber(source, op->outputs);
        break;
      case 2:
        ChangeNumber(source, tensor->shape);
        break;
      case 3:
        ChangeOptions(source, *op);
        break;
      case 4:
        if (tensor->buffer < graph.buffers.size()) ChangeConstant(source, graph, *tensor);
        break;
      default:
        graph.operator_codes[op->code % graph.operator_codes.size()].builtin = source.Byte();
    }
  }
  Exercise(graph);
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
      // And a few changes to it.
      std::string changes = {'\0', static_cast<char>(number - 1)};
      for (char byte = 1; byte < 40; ++byte) changes.push_back(byte);
      std::ofstream(folder / ("changes-" + std::to_string(number)), std::ios::binary) << changes;
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> input(data, size);
  if (size > 0 && data[0] == 0) {
    bowerbird::tflite::AsChanges(input.subspan(1));
  } else {
    bowerbird::tflite::AsFile(input);
  }
  return 0;
}
