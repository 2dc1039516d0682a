// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/ladder.h"
#include "infer/prepare_float.h"
#include "infer/synthetic_input.h"
#include "nlohmann/json.hpp"
#include "tflite/edit.h"
#include "tflite/write.h"

namespace bowerbird::infer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostRuns = 12;
constexpr auto kTimeForRuns = std::chrono::milliseconds(400);  // of both forms together

// Operators behind which a small difference may become a large one.
const std::set<std::string, std::less<>> kRanking = {"ARG_MAX",
                                                     "ARG_MIN",
                                                     "NON_MAX_SUPPRESSION_V4",
                                                     "NON_MAX_SUPPRESSION_V5",
                                                     "TFLite_Detection_PostProcess",
                                                     "TOPK_V2"};

// A form that can be run: the members are destroyed in reverse.
struct Runnable {
  std::string bytes;
  std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)> model{nullptr, TfLiteModelDelete};
  Climbed climbed;
};

absl::StatusOr<Runnable> Build(const tflite::Graph& graph, const PrepareOptions& options) {
  Runnable form;
  ASSIGN_OR_RETURN(form.bytes, tflite::WriteModel(graph));
  form.model.reset(TfLiteModelCreate(form.bytes.data(), form.bytes.size()));
  if (form.model == nullptr) return Internal("the runtime refuses what was written");
  ASSIGN_OR_RETURN(form.climbed, Climb(form.model.get(), graph,
                                       {.num_threads = options.num_threads,
                                        .allow_delegate = options.allow_delegate}));
  return form;
}

// Makes what goes into the last ranking operators the outputs of the graph.
absl::Status StopBeforeRanking(tflite::Graph& graph) {
  const tflite::Subgraph& main = graph.subgraphs[0];
  const tflite::Links links(main);
  std::vector<int32_t> outputs;
  for (const int32_t output : main.outputs) {
    const int32_t producer = links.Producer(output);
    const bool ranked =
        producer >= 0 &&
        kRanking.contains(
            graph.operator_codes[main.operators[static_cast<size_t>(producer)].code].Name());
    if (!ranked) {
      outputs.push_back(output);
      continue;
    }
    for (const int32_t input : main.operators[static_cast<size_t>(producer)].inputs) {
      if (input >= 0 && links.Producer(input) >= 0) outputs.push_back(input);
    }
  }
  std::ranges::sort(outputs);
  outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
  if (outputs.empty()) return FailedPrecondition("nothing can be compared");
  return tflite::Cut(graph, main.inputs, outputs);
}

void FillInputs(const Interpreter& interpreter, size_t variant) {
  for (int i = 0; i < interpreter.input_count(); ++i) {
    TfLiteTensor* tensor = interpreter.input(i);
    Shape shape;
    for (int d = 0; d < tensor->dims->size; ++d) shape.push_back(tensor->dims->data[d]);
    FillWithPattern(
        TypeOf(tensor), shape,
        {static_cast<std::byte*>(TfLiteTensorData(tensor)), TfLiteTensorByteSize(tensor)}, variant);
  }
}

// The numbers that an output stands for.
std::vector<double> RealValues(const TfLiteTensor* tensor) {
  const size_t bytes = TfLiteTensorByteSize(tensor);
  const void* data = TfLiteTensorData(tensor);
  std::vector<double> values;
  const auto read = [&]<typename T>(T, double scale, int32_t zero) {
    values.reserve(bytes / sizeof(T));
    for (size_t i = 0; i < bytes / sizeof(T); ++i) {
      T stored{};
      std::memcpy(&stored, static_cast<const char*>(data) + i * sizeof(T), sizeof(T));
      values.push_back((static_cast<double>(stored) - zero) * scale);
    }
  };
  const TfLiteQuantizationParams q = TfLiteTensorQuantizationParams(tensor);
  const double scale = q.scale > 0 ? static_cast<double>(q.scale) : 1.0;
  switch (TypeOf(tensor)) {
    case DType::kUint8:
      read(uint8_t{}, scale, q.zero_point);
      break;
    case DType::kInt8:
      read(int8_t{}, scale, q.zero_point);
      break;
    case DType::kInt16:
      read(int16_t{}, scale, q.zero_point);
      break;
    case DType::kInt32:
      read(int32_t{}, 1, 0);
      break;
    case DType::kInt64:
      read(int64_t{}, 1, 0);
      break;
    case DType::kBool:
      read(uint8_t{}, 1, 0);
      break;
    case DType::kFloat32:
      read(float{}, 1, 0);
      break;
    default:
      break;
  }
  return values;
}

struct Outputs {
  std::vector<std::vector<double>> values;  // by output, all inputs in a row
  std::vector<double> steps;                // by output: one step of its quantisation, 0 = none
};

absl::StatusOr<Outputs> RunAll(Interpreter& interpreter) {
  Outputs outputs;
  outputs.values.resize(static_cast<size_t>(interpreter.output_count()));
  outputs.steps.resize(outputs.values.size());
  for (size_t variant = 0; variant < static_cast<size_t>(kPreparationInputs); ++variant) {
    FillInputs(interpreter, variant);
    RETURN_IF_ERROR(interpreter.Invoke());
    for (size_t i = 0; i < outputs.values.size(); ++i) {
      const TfLiteTensor* tensor = interpreter.output(static_cast<int>(i));
      const std::vector<double> values = RealValues(tensor);
      outputs.values[i].insert(outputs.values[i].end(), values.begin(), values.end());
      outputs.steps[i] = static_cast<double>(TfLiteTensorQuantizationParams(tensor).scale);
    }
  }
  return outputs;
}

// Infinite where the two cannot be compared.
double Difference(const std::vector<double>& given, const std::vector<double>& other, double step) {
  if (given.size() != other.size()) return std::numeric_limits<double>::infinity();
  if (given.empty()) return 0;
  double mean = 0;
  for (const double value : given) mean += value / static_cast<double>(given.size());
  double variation = 0;
  double squares = 0;
  for (size_t i = 0; i < given.size(); ++i) {
    variation += (given[i] - mean) * (given[i] - mean);
    squares += (given[i] - other[i]) * (given[i] - other[i]);
  }
  if (!std::isfinite(squares)) return std::numeric_limits<double>::infinity();
  const auto count = static_cast<double>(given.size());
  // What does not vary by more than rounding says nothing below a step.
  const double measure = std::max(std::sqrt(variation / count), step);
  const double error = std::sqrt(squares / count);
  if (error == 0) return 0;
  return measure == 0 ? std::numeric_limits<double>::infinity() : error / measure;
}

double WorstDifference(const Outputs& given, const Outputs& other) {
  if (given.values.size() != other.values.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (size_t i = 0; i < given.values.size(); ++i) {
    worst = std::max(worst, Difference(given.values[i], other.values[i], given.steps[i]));
  }
  return worst;
}

absl::StatusOr<double> Milliseconds(Interpreter& interpreter) {
  const Clock::time_point start = Clock::now();
  RETURN_IF_ERROR(interpreter.Invoke());
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The fastest run of each, taken in turn.
absl::Status Time(Interpreter& given, Interpreter& in_float, Preparation& found) {
  found.given_ms = found.float_ms = std::numeric_limits<double>::infinity();
  const Clock::time_point end = Clock::now() + kTimeForRuns;
  for (int i = 0; i < kMostRuns && (i < 3 || Clock::now() < end); ++i) {
    ASSIGN_OR_RETURN(const double given_ms, Milliseconds(given));
    ASSIGN_OR_RETURN(const double float_ms, Milliseconds(in_float));
    found.given_ms = std::min(found.given_ms, given_ms);
    found.float_ms = std::min(found.float_ms, float_ms);
  }
  return absl::OkStatus();
}

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

void Decide(Preparation& found) {
  const std::string times =
      Fixed(found.float_ms, 2) + " ms in float32, " + Fixed(found.given_ms, 2) + " ms as given";
  if (!(found.difference <= kMostDifference)) {
    found.note = "as given: in float32 the results differ by " + Fixed(found.difference, 2) +
                 " of their variation, more than " + Fixed(kMostDifference, 2);
  } else if (found.float_ms > found.given_ms * (1 - kLeastGain)) {
    found.note = "as given: " + times;
  } else {
    found.in_float = true;
    found.note = "in float32: " + times + ", results within " + Fixed(found.difference, 3) +
                 " of their variation";
  }
}

}  // namespace

nlohmann::json Preparation::ToJson() const {
  return {{"in_float", in_float},
          {"given_ms", given_ms},
          {"float_ms", float_ms},
          {"difference", std::isfinite(difference) ? difference : -1},
          {"note", note}};
}

absl::StatusOr<Preparation> Preparation::FromJson(const nlohmann::json& json) {
  const auto has = [&json](const char* key, auto is_kind) {
    return json.contains(key) && (json.at(key).*is_kind)();
  };
  if (!json.is_object() || !has("in_float", &nlohmann::json::is_boolean) ||
      !has("given_ms", &nlohmann::json::is_number) ||
      !has("float_ms", &nlohmann::json::is_number) ||
      !has("difference", &nlohmann::json::is_number) || !has("note", &nlohmann::json::is_string)) {
    return InvalidArgument("a preparation has in_float, given_ms, float_ms, difference and note");
  }
  return Preparation{.in_float = json.at("in_float").get<bool>(),
                     .given_ms = json.at("given_ms").get<double>(),
                     .float_ms = json.at("float_ms").get<double>(),
                     .difference = json.at("difference").get<double>(),
                     .note = json.at("note").get<std::string>()};
}

absl::StatusOr<Preparation> ChooseForm(const tflite::Graph& given, const PrepareOptions& options) {
  tflite::Graph raw = given;
  RETURN_IF_ERROR(StopBeforeRanking(raw));
  tflite::Graph raw_float = raw;
  RETURN_IF_ERROR(ComputeInFloat(raw_float).status());
  Preparation found;
  ASSIGN_OR_RETURN(Runnable given_form, Build(raw, options));
  ASSIGN_OR_RETURN(Runnable float_form, Build(raw_float, options));
  ASSIGN_OR_RETURN(const Outputs given_outputs, RunAll(*given_form.climbed.interpreter));
  ASSIGN_OR_RETURN(const Outputs float_outputs, RunAll(*float_form.climbed.interpreter));
  found.difference = WorstDifference(given_outputs, float_outputs);
  if (found.difference <= kMostDifference) {
    RETURN_IF_ERROR(Time(*given_form.climbed.interpreter, *float_form.climbed.interpreter, found));
  }
  Decide(found);
  return found;
}

}  // namespace bowerbird::infer
