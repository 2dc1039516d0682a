// SPDX-License-Identifier: Apache-2.0
#include "infer/preflight.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/status.h"
#include "tensorflow/lite/c/c_api.h"
#include "tflite/checks.h"
#include "tflite/footprint.h"
#include "tflite/operator_probe.h"

namespace bowerbird::infer {
namespace {

// What 2.9.0 has besides the built-in operators; a newer library is asked by loading the model.
constexpr std::string_view kListedVersion = "2.9.0";
constexpr std::array<std::string_view, 4> kCustomOperators = {
    "TFLite_Detection_PostProcess", "Mfcc", "AudioSpectrogram", "NumericVerify"};
constexpr auto kLastKnownType = tflite::TensorType::kUint32;

void Ignore(void*, const char*, va_list) {}

bool RuntimeHas(std::span<const tflite::OperatorCode> codes) {
  const std::string probe = tflite::OperatorProbe(codes);
  const std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)> model(
      TfLiteModelCreate(probe.data(), probe.size()), TfLiteModelDelete);
  if (model == nullptr) return false;
  const std::unique_ptr<TfLiteInterpreterOptions, decltype(&TfLiteInterpreterOptionsDelete)>
      options(TfLiteInterpreterOptionsCreate(), TfLiteInterpreterOptionsDelete);
  TfLiteInterpreterOptionsSetErrorReporter(options.get(), &Ignore, nullptr);
  const std::unique_ptr<TfLiteInterpreter, decltype(&TfLiteInterpreterDelete)> interpreter(
      TfLiteInterpreterCreate(model.get(), options.get()), TfLiteInterpreterDelete);
  return interpreter != nullptr;
}

absl::Status CheckTypes(const tflite::Graph& graph) {
  for (const tflite::Subgraph& subgraph : graph.subgraphs) {
    for (const tflite::Tensor& tensor : subgraph.tensors) {
      if (TfLiteVersion() != kListedVersion || tensor.type <= kLastKnownType) continue;
      return InvalidArgument("tensor '" + tensor.name + "' has type " +
                             tflite::TensorTypeName(tensor.type) + ", which TensorFlow Lite " +
                             TfLiteVersion() + " does not know; convert the model without it");
    }
  }
  return absl::OkStatus();
}

bool CanTravel(tflite::TensorType type) {
  switch (type) {
    case tflite::TensorType::kString:
    case tflite::TensorType::kComplex64:
    case tflite::TensorType::kComplex128:
    case tflite::TensorType::kResource:
    case tflite::TensorType::kVariant:
      return false;
    default:
      return true;
  }
}

absl::Status CheckEnds(const tflite::Subgraph& subgraph, const std::vector<int32_t>& ends,
                       std::string_view what) {
  for (const int32_t index : ends) {
    const tflite::Tensor& tensor = subgraph.tensors[static_cast<size_t>(index)];
    if (CanTravel(tensor.type)) continue;
    return InvalidArgument(std::string(what) + " '" + tensor.name + "' has type " +
                           tflite::TensorTypeName(tensor.type) +
                           ", which callers can neither give nor take; move that step out of the "
                           "model");
  }
  return absl::OkStatus();
}

// Operators that slide over a picture or a matrix and divide by its extents: AVERAGE_POOL_2D,
// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, L2_POOL_2D, MAX_POOL_2D, TRANSPOSE_CONV, CONV_3D.
constexpr std::array<int32_t, 8> kDividing = {1, 3, 4, 9, 12, 17, 67, 132};

// Kernels of those divide by the extents of what they are given, and of what they give.
absl::Status CheckEmpty(const tflite::Graph& graph) {
  for (const tflite::Subgraph& subgraph : graph.subgraphs) {
    const auto is_empty = [&](int32_t index) {
      return index >= 0 &&
             std::ranges::count(subgraph.tensors[static_cast<size_t>(index)].shape, 0);
    };
    for (const tflite::Operator& op : subgraph.operators) {
      const tflite::OperatorCode& code = graph.operator_codes[op.code];
      if (std::ranges::find(kDividing, code.builtin) == kDividing.end()) continue;
      if (std::ranges::none_of(op.inputs, is_empty) && std::ranges::none_of(op.outputs, is_empty)) {
        continue;
      }
      return InvalidArgument("the model's graph is wrong: " + code.Name() +
                             " works on a tensor without elements; export it again");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMemory(const tflite::Graph& graph) {
  const uint64_t memory =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t needed = tflite::Measure(graph).peak_activation_bytes;
  if (needed <= memory / 2) return absl::OkStatus();
  return InvalidArgument("a run of the model would hold " + std::to_string(needed >> 20) +
                         " MiB of tensors; this machine has " + std::to_string(memory >> 20) +
                         " MiB of memory");
}

}  // namespace

std::vector<std::string> UnknownOperators(const tflite::Graph& graph) {
  std::vector<std::string> unknown;
  // One question for all of them first: the usual answer is that nothing is missing.
  const bool all_builtin = RuntimeHas(graph.operator_codes);
  for (const tflite::OperatorCode& code : graph.operator_codes) {
    if (code.builtin != tflite::kCustomOperator) {
      if (all_builtin || RuntimeHas({&code, 1})) continue;
      unknown.push_back(code.Name() + " version " + std::to_string(code.version));
    } else if (TfLiteVersion() == kListedVersion &&
               std::ranges::find(kCustomOperators, code.custom) == kCustomOperators.end()) {
      unknown.push_back(code.custom + " (custom operator)");
    }
  }
  return unknown;
}

absl::Status Preflight(const tflite::Graph& graph) {
  RETURN_IF_ERROR(CheckTypes(graph));
  const std::vector<std::string> unknown = UnknownOperators(graph);
  if (!unknown.empty()) {
    std::string names;
    for (const std::string& name : unknown) names += (names.empty() ? "" : ", ") + name;
    return InvalidArgument("the model needs operators that TensorFlow Lite " +
                           std::string(TfLiteVersion()) + " does not have: " + names +
                           "; convert it with built-in operators only, for that version");
  }
  RETURN_IF_ERROR(tflite::CheckGraph(graph));
  RETURN_IF_ERROR(CheckEmpty(graph));
  const tflite::Subgraph& main = graph.subgraphs[0];
  RETURN_IF_ERROR(CheckEnds(main, main.inputs, "input"));
  RETURN_IF_ERROR(CheckEnds(main, main.outputs, "output"));
  return CheckMemory(graph);
}

}  // namespace bowerbird::infer
