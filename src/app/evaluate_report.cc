// SPDX-License-Identifier: Apache-2.0
#include "app/evaluate_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "app/progress.h"
#include "base/file_system.h"
#include "base/status.h"
#include "evaluate/mistakes.h"
#include "evaluate/report.h"
#include "image/thumbnail.h"
#include "infer/model_cost.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostMistakes = 18;
// From which score on a detection is one, where that has to be decided.
constexpr double kShownScore = 0.4;
constexpr double kOverlap = 0.5;
constexpr int kThumbnailSide = 240;
constexpr uint64_t kMostPictureBytes = uint64_t{64} << 20;
constexpr image::Color kTruthColor{30, 160, 70};
constexpr image::Color kFoundColor{240, 130, 20};

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto last = static_cast<double>(values.size() - 1);
  return std::round(values[static_cast<size_t>(std::lround(q * last))] * 1000) / 1000;
}

void AddCost(const FinderFlags& flags, const ModelAnswers& answers, double memory_mb,
             ordered_json& report) {
  report["invoke_ms_p50"] = Quantile(answers.invoke_ms, 0.5);
  report["invoke_ms_p95"] = Quantile(answers.invoke_ms, 0.95);
  report["call_ms_p50"] = Quantile(answers.call_ms, 0.5);
  report["call_ms_p95"] = Quantile(answers.call_ms, 0.95);
  report["memory_mb"] = std::round(memory_mb * 100) / 100;
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(flags.model, unknown);
  report["file_bytes"] = unknown ? ordered_json(nullptr) : ordered_json(bytes);
}

absl::StatusOr<std::string> Thumbnail(const ModelAnswers& answers, uint32_t number) {
  ASSIGN_OR_RETURN(
      std::string bytes,
      ReadFile(*MakeFileSystem(), answers.root + "/" + answers.paths[number], kMostPictureBytes));
  std::vector<image::MarkedBox> boxes;
  const auto mark = [&](const evaluate::Rectangle& box, image::Color color) {
    boxes.push_back({box.x_min, box.y_min, box.x_max, box.y_max, color});
  };
  if (answers.detections) {
    for (const evaluate::TruthBox& one : answers.detections->truth) {
      if (one.picture == number) mark(one.box, kTruthColor);
    }
    for (const evaluate::FoundBox& one : answers.detections->found) {
      if (one.picture == number && one.score >= kShownScore) mark(one.box, kFoundColor);
    }
  }
  return image::MarkedThumbnail(*image::Picture::FromBytes(std::move(bytes)), kThumbnailSide,
                                boxes);
}

void AddMistakes(const std::vector<evaluate::Mistake>& mistakes, Evaluated& evaluated) {
  evaluated.report["mistakes"] = ordered_json::array();
  for (const evaluate::Mistake& mistake : mistakes) {
    const std::string& path = evaluated.answers.paths[mistake.picture];
    evaluated.report["mistakes"].push_back({{"picture", path}, {"what", mistake.what}});
    auto jpeg = Thumbnail(evaluated.answers, mistake.picture);
    if (jpeg.ok())
      evaluated.details.mistakes.push_back({mistake.what + " – " + path, *std::move(jpeg)});
  }
}

// The name of the best label of each picture.
std::vector<std::string> BestLabels(const evaluate::ScoredPictures& scored) {
  std::vector<std::string> best;
  const size_t labels = scored.labels.size();
  for (size_t at = 0; labels > 0 && at + labels <= scored.scores.size(); at += labels) {
    const auto row = scored.scores.begin() + static_cast<ptrdiff_t>(at);
    const auto found = std::max_element(row, row + static_cast<ptrdiff_t>(labels));
    best.push_back(scored.labels[static_cast<size_t>(found - row)]);
  }
  return best;
}

// The number that a picture of one has in the other, by path; those that only one could read have
// none and do not count.
std::map<uint32_t, uint32_t> PicturesOfBoth(const ModelAnswers& model, const ModelAnswers& other) {
  std::map<std::string_view, uint32_t> theirs;
  for (size_t i = 0; i < other.paths.size(); ++i)
    theirs.emplace(other.paths[i], static_cast<uint32_t>(i));
  std::map<uint32_t, uint32_t> both;
  for (size_t i = 0; i < model.paths.size(); ++i) {
    const auto found = theirs.find(model.paths[i]);
    if (found != theirs.end()) both.emplace(static_cast<uint32_t>(i), found->second);
  }
  return both;
}

double AgreementOfClasses(const ModelAnswers& model, const ModelAnswers& other) {
  const auto ours = BestLabels(model.scored), theirs = BestLabels(other.scored);
  const auto pictures = PicturesOfBoth(model, other);
  size_t same = 0;
  for (const auto& [our, their] : pictures) same += ours[our] == theirs[their] ? 1 : 0;
  return pictures.empty() ? 0 : static_cast<double>(same) / static_cast<double>(pictures.size());
}

double AgreementOfBoxes(const ModelAnswers& model, const ModelAnswers& other) {
  const auto pictures = PicturesOfBoth(model, other);
  std::vector<evaluate::FoundBox> ours, theirs;
  for (const evaluate::FoundBox& one : model.detections->found) {
    const auto number = pictures.find(one.picture);
    if (one.score < kShownScore || number == pictures.end()) continue;
    ours.push_back(one);
    ours.back().picture = number->second;
  }
  std::set<uint32_t> shared;
  for (const auto& [our, their] : pictures) shared.insert(their);
  for (const evaluate::FoundBox& one : other.detections->found) {
    if (one.score >= kShownScore && shared.contains(one.picture)) theirs.push_back(one);
  }
  const auto all = static_cast<double>(ours.size() + theirs.size());
  double matched = 0;
  for (const evaluate::FoundBox& one : ours) {
    const auto found = std::find_if(theirs.begin(), theirs.end(), [&](const auto& their) {
      return their.picture == one.picture && their.category == one.category &&
             evaluate::IntersectionOverUnion(their.box, one.box) >= kOverlap;
    });
    if (found == theirs.end()) continue;
    theirs.erase(found);
    matched += 2;
  }
  return all == 0 ? 1 : matched / all;
}

// Numbers that both have, the other's less the model's.
ordered_json Difference(const ordered_json& model, const ordered_json& other) {
  auto difference = ordered_json::object();
  for (const auto& [key, value] : model.items()) {
    if (!other.contains(key)) continue;
    if (value.is_number_integer() && other[key].is_number_integer()) {
      difference[key] = other[key].get<int64_t>() - value.get<int64_t>();
    } else if (value.is_number() && other[key].is_number()) {
      difference[key] = other[key].get<double>() - value.get<double>();
    }
    if (value.is_object() && key == "per_class") {
      for (const auto& [label, figures] : value.items()) {
        if (other[key].contains(label))
          difference[key][label] = Difference(figures, other[key][label]);
      }
    }
  }
  return difference;
}

std::string Cell(const ordered_json& report, const std::string& key) {
  if (!report.contains(key) || !report[key].is_number()) return "-";
  if (report[key].is_number_integer()) return report[key].dump();
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", report[key].get<double>());
  return text;
}

void AddLine(const std::string& name, const std::string& key, const ordered_json& comparison,
             const ordered_json::json_pointer& part, std::string& text) {
  char line[256];
  const auto cell = [&](const char* of) {
    const auto at = ordered_json::json_pointer(std::string("/") + of) / part;
    return comparison.contains(at) ? Cell(comparison[at], key) : std::string("-");
  };
  std::snprintf(line, sizeof line, "%-24s %14s %14s %14s\n", name.c_str(), cell("model").c_str(),
                cell("other").c_str(), cell("difference").c_str());
  text += line;
}

}  // namespace

absl::StatusOr<Evaluated> EvaluateModel(const FinderFlags& flags, const LabelledFolder& folder) {
  // Before anything else takes and frees memory.
  const auto cost =
      infer::MeasureCost({.model_path = flags.model, .num_threads = flags.threads}, /*seconds=*/0);
  ASSIGN_OR_RETURN(const LoadedFinder loaded, LoadFinder(flags));
  CatchInterrupts();
  Evaluated evaluated;
  ASSIGN_OR_RETURN(evaluated.answers, AskModel(*loaded.finder, folder));
  const ModelAnswers& answers = evaluated.answers;
  evaluated.details.title = flags.model;
  std::vector<evaluate::Mistake> mistakes;
  if (answers.detections.has_value()) {
    evaluated.report = evaluate::DetectionReport(*answers.detections);
    evaluated.details.curves = evaluate::CurvesOf(*answers.detections);
    mistakes = evaluate::WorstMistakes(*answers.detections, kShownScore, kMostMistakes);
  } else {
    evaluated.details.curves = evaluate::CurvesOf(answers.scored, answers.truth);
    if (answers.single) {
      std::vector<uint32_t> truth;
      for (const std::vector<uint32_t>& labels : answers.truth) truth.push_back(labels.front());
      evaluated.report = evaluate::ClassifierReport(answers.scored, truth);
      mistakes = evaluate::WorstMistakes(answers.scored, truth, kMostMistakes);
    } else {
      evaluated.report = evaluate::MultiLabelReport(answers.scored, answers.truth);
      mistakes = evaluate::WorstMistakes(answers.scored, answers.truth, kMostMistakes);
    }
  }
  AddCost(flags, answers, cost.ok() ? cost->memory_mb : 0, evaluated.report);
  AddMistakes(mistakes, evaluated);
  return evaluated;
}

absl::StatusOr<ordered_json> Compare(const Evaluated& model, const Evaluated& other) {
  if (model.answers.detections.has_value() != other.answers.detections.has_value()) {
    return FailedPrecondition(
        "one of the models finds boxes and the other does not: they cannot be compared");
  }
  ordered_json comparison{{"model", model.report}, {"other", other.report}};
  comparison["difference"] = Difference(model.report, other.report);
  comparison["agreement"] = model.answers.detections
                                ? AgreementOfBoxes(model.answers, other.answers)
                                : AgreementOfClasses(model.answers, other.answers);
  return comparison;
}

std::string TextOfComparison(const ordered_json& comparison) {
  char head[160];
  std::snprintf(head, sizeof head, "%-24s %14s %14s %14s\n", "", "model", "other", "difference");
  std::string text = head;
  for (const auto& [key, value] : comparison["model"].items()) {
    if (value.is_number() || value.is_null())
      AddLine(key, key, comparison, ordered_json::json_pointer(), text);
  }
  text += "agreement                " + Cell(comparison, "agreement") + "\n\n";
  const bool boxes = comparison["model"].contains("ap50");
  const std::string key = boxes ? "ap50" : "f1";
  text += key + " by class\n";
  for (const auto& [label, figures] : comparison["model"]["per_class"].items())
    AddLine(label, key, comparison, ordered_json::json_pointer() / "per_class" / label, text);
  return text;
}

}  // namespace bowerbird::app
