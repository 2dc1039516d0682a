// SPDX-License-Identifier: Apache-2.0
#include "app/model_json.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

constexpr size_t kTopCount = 16;
constexpr double kTolerance = 0.02;

template <typename T>
std::vector<double> Values(const infer::Tensor& tensor) {
  const std::span<const T> elements = tensor.view().As<T>();
  return {elements.begin(), elements.end()};
}

std::vector<double> Numbers(const infer::Tensor& tensor) {
  switch (tensor.type) {
    case infer::DType::kInt8:
      return Values<int8_t>(tensor);
    case infer::DType::kUint8:
    case infer::DType::kBool:
      return Values<uint8_t>(tensor);
    case infer::DType::kInt16:
      return Values<int16_t>(tensor);
    case infer::DType::kUint16:
      return Values<uint16_t>(tensor);
    case infer::DType::kInt32:
      return Values<int32_t>(tensor);
    case infer::DType::kUint32:
      return Values<uint32_t>(tensor);
    case infer::DType::kInt64:
      return Values<int64_t>(tensor);
    case infer::DType::kUint64:
      return Values<uint64_t>(tensor);
    case infer::DType::kFloat32:
      return Values<float>(tensor);
    case infer::DType::kFloat64:
      return Values<double>(tensor);
    default:
      return {};
  }
}

ordered_json ToJson(const infer::TensorInfo& info) {
  ordered_json json = {{"name", info.name},
                       {"graph_name", info.graph_name},
                       {"type", std::string(infer::DTypeName(info.type))},
                       {"shape", info.shape}};
  if (!info.description.empty()) json["description"] = info.description;
  if (info.quantization.scale != 0) {
    json["quantization"] = {{"scale", info.quantization.scale},
                            {"zero_point", info.quantization.zero_point}};
  }
  if (info.normalization) {
    json["normalization"] = {{"mean", info.normalization->mean}, {"std", info.normalization->std}};
  }
  if (info.box_order) json["box_order"] = *info.box_order;
  for (const infer::AssociatedFile& file : info.associated_files) {
    json["associated_files"].push_back(file.name);
  }
  return json;
}

// The outputs of TFLite_Detection_PostProcess, whatever their order: boxes [1, N, 4], scores and
// classes [1, N], a count [1]. All of the list is kept, also low scores; its end is filled with
// what came next, in an order that small differences decide.
constexpr size_t kCompared = 5;   // the best of the one, which the other must have found, too
constexpr double kSameBox = 0.5;  // intersection over union

// By how much two scores of the same thing may differ.
double ScoreTolerance(double score) { return std::clamp(0.2 * score, 0.02, 0.1); }

bool AreDetections(const std::vector<infer::Tensor>& outputs) {
  if (outputs.size() != 4) return false;
  const infer::Shape& boxes = outputs[0].shape;
  return boxes.size() == 3 && boxes[2] == 4 && outputs[1].shape == infer::Shape{1, boxes[1]} &&
         outputs[2].shape == outputs[1].shape && outputs[3].shape == infer::Shape{1} &&
         std::ranges::all_of(
             outputs, [](const infer::Tensor& t) { return t.type == infer::DType::kFloat32; });
}

ordered_json Detections(const std::vector<infer::Tensor>& outputs) {
  ordered_json found = ordered_json::array();
  const std::vector<double> boxes = Numbers(outputs[0]);
  const std::vector<double> classes = Numbers(outputs[1]);
  const std::vector<double> scores = Numbers(outputs[2]);
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!(scores[i] > 0)) continue;
    found.push_back(
        {{"class", classes[i]},
         {"score", scores[i]},
         {"box", {boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]}}});
  }
  return found;
}

double Overlap(const ordered_json& a, const ordered_json& b) {
  const auto side = [](const ordered_json& box, size_t low) {
    return std::max(0.0, box[low + 2].get<double>() - box[low].get<double>());
  };
  const auto shared = [&](size_t low) {
    return std::max(0.0, std::min(a[low + 2].get<double>(), b[low + 2].get<double>()) -
                             std::max(a[low].get<double>(), b[low].get<double>()));
  };
  const double both = shared(0) * shared(1);
  const double all = side(a, 0) * side(a, 1) + side(b, 0) * side(b, 1) - both;
  return all > 0 ? both / all : 0;
}

double ScoreOf(const ordered_json& detection) { return detection["score"].get<double>(); }

// The score below which something may have been left out of a full list of detections.
double LowestScore(const ordered_json& answer) {
  const ordered_json& all = answer["detections"];
  if (all.size() < answer["detections_length"].get<size_t>()) return 0;
  double lowest = std::numeric_limits<double>::infinity();
  for (const ordered_json& one : all) lowest = std::min(lowest, ScoreOf(one));
  return lowest;
}

bool IsSame(const ordered_json& a, const ordered_json& b) {
  const double score = std::max(ScoreOf(a), ScoreOf(b));
  return a["class"] == b["class"] && Overlap(a["box"], b["box"]) >= kSameBox &&
         std::abs(ScoreOf(a) - ScoreOf(b)) <= ScoreTolerance(score);
}

// Whether the best of `a` are in `b`; nothing if none of them is so good that it must be.
std::optional<bool> Contains(const ordered_json& a, const ordered_json& b) {
  std::vector<ordered_json> best(a["detections"].begin(), a["detections"].end());
  std::ranges::stable_sort(best, std::greater<>(), ScoreOf);
  best.resize(std::min(best.size(), kCompared));
  const double lowest = LowestScore(b);
  std::optional<bool> contains;
  for (const ordered_json& one : best) {
    if (ScoreOf(one) - ScoreTolerance(ScoreOf(one)) <= lowest) break;
    const bool found = std::ranges::any_of(
        b["detections"], [&](const ordered_json& other) { return IsSame(one, other); });
    contains = contains.value_or(true) && found;
  }
  return contains;
}

// Whether `value` is the largest of `answer`'s output `index`, or nearly.
bool IsTop(const ordered_json& answer, size_t output, size_t index) {
  const ordered_json& top = answer["top"][output];
  const double tolerance = kTolerance * answer["range"][output].get<double>();
  return std::any_of(top.begin(), top.end(), [&](const ordered_json& entry) {
    return entry[0].get<size_t>() == index &&
           entry[1].get<double>() >= top[0][1].get<double>() - tolerance;
  });
}

}  // namespace

ordered_json ToJson(const infer::RuntimeReport& report) {
  return {{"runtime", "TensorFlow Lite " + report.runtime_version},
          {"delegate", report.delegate},
          {"delegated_operators", report.delegated_operators},
          {"operators", report.operators},
          {"load_ms", report.load_ms},
          {"prepared", report.prepared},
          {"preparation", report.preparation},
          {"warnings", report.warnings}};
}

ordered_json ToJson(const infer::ModelMetadata& metadata) {
  ordered_json json = {{"name", metadata.name},
                       {"type", metadata.type},
                       {"description", metadata.description},
                       {"inputs", ordered_json::array()},
                       {"outputs", ordered_json::array()}};
  for (const infer::TensorInfo& info : metadata.inputs) json["inputs"].push_back(ToJson(info));
  for (const infer::TensorInfo& info : metadata.outputs) json["outputs"].push_back(ToJson(info));
  const size_t shown = std::min<size_t>(3, metadata.labels.size());
  json["labels"] = {
      {"count", metadata.labels.size()},
      {"first", std::vector<std::string>(metadata.labels.begin(),
                                         metadata.labels.begin() + static_cast<ptrdiff_t>(shown))}};
  return json;
}

void AddTops(const std::vector<infer::Tensor>& outputs, ordered_json& json) {
  json["top"] = ordered_json::array();
  json["range"] = ordered_json::array();
  if (AreDetections(outputs)) {
    json["detections"] = Detections(outputs);
    json["detections_length"] = outputs[2].shape[1];
  }
  for (const infer::Tensor& output : outputs) {
    std::vector<double> values = Numbers(output);
    for (double& value : values) {
      if (!std::isfinite(value)) value = std::numeric_limits<double>::lowest();
    }
    std::vector<size_t> order(values.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t count = std::min(kTopCount, order.size());
    std::partial_sort(
        order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(),
        [&](size_t a, size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
    ordered_json top = ordered_json::array();
    for (size_t i = 0; i < count; ++i) top.push_back({order[i], values[order[i]]});
    json["top"].push_back(std::move(top));
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    json["range"].push_back(values.empty() ? 0.0 : *high - *low);
  }
}

std::optional<bool> TopsAgree(const ordered_json& a, const ordered_json& b) {
  if (a["top"].size() != b["top"].size()) return false;
  if (a.contains("detections") && b.contains("detections")) {
    const std::optional<bool> there = Contains(a, b);
    const std::optional<bool> back = Contains(b, a);
    if (!there && !back) return std::nullopt;
    return there.value_or(true) && back.value_or(true);
  }
  for (size_t output = 0; output < a["top"].size(); ++output) {
    const ordered_json& top_a = a["top"][output];
    const ordered_json& top_b = b["top"][output];
    if (top_a.empty() != top_b.empty()) return false;
    if (top_a.empty()) continue;
    if (!IsTop(b, output, top_a[0][0].get<size_t>())) return false;
    if (!IsTop(a, output, top_b[0][0].get<size_t>())) return false;
  }
  return true;
}

}  // namespace bowerbird::app
