// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "annotation/annotation_hash.h"
#include "base/sha256.h"
#include "base/status.h"
#include "data/state.h"

namespace bowerbird::data {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostBoxes = 10'000;
constexpr size_t kIdDigits = 24;

void PutConfidence(const std::optional<double>& confidence, Json& json) {
  if (confidence) json["confidence"] = *confidence;
}

std::optional<double> ConfidenceOf(const Json& json) {
  const auto found = json.find("confidence");
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::string TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An empty array where it is missing. By reference: a copy costs more than reading it.
const Json& MemberOf(const Json& json, const char* key) {
  static const Json kEmpty = Json::array();
  if (!json.is_object()) return kEmpty;
  const auto found = json.find(key);
  return found == json.end() ? kEmpty : *found;
}

// Ids are unique within an item.
class IdMaker {
 public:
  IdMaker(const std::string& file_id, int64_t version)
      : seed_(file_id + "." + std::to_string(version) + ".") {}
  void Settle(std::string& id) {
    while (id.empty() || !used_.insert(id).second) {
      id = Sha256Hex(seed_ + std::to_string(next_++)).substr(0, kIdDigits);
    }
  }

 private:
  const std::string seed_;
  int next_ = 0;
  std::set<std::string> used_;
};

}  // namespace

std::string BodyOf(const AnnotationState& state) {
  Json json = Json::object();
  if (!state.tags.empty()) json["tags"] = state.tags;
  for (const auto& box : state.annotations.boxes) {
    Json one = {{"id", box.id},
                {"label", box.label},
                {"corners", {box.x_min, box.y_min, box.x_max, box.y_max}}};
    PutConfidence(box.confidence, one);
    json["boxes"].push_back(std::move(one));
  }
  for (const auto& classification : state.annotations.classifications) {
    Json one = {{"id", classification.id}, {"label", classification.label}};
    PutConfidence(classification.confidence, one);
    json["classifications"].push_back(std::move(one));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<AnnotationState> StateOf(std::string_view body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::DataLossError("the stored annotations of an item are damaged");
  }
  AnnotationState state;
  for (const Json& tag : MemberOf(json, "tags")) {
    if (tag.is_string()) state.tags.push_back(tag.get<std::string>());
  }
  for (const Json& one : MemberOf(json, "boxes")) {
    const Json& corners = MemberOf(one, "corners");
    if (!corners.is_array() || corners.size() != 4 ||
        !std::ranges::all_of(corners, [](const Json& corner) { return corner.is_number(); })) {
      return absl::DataLossError("a stored bounding box of an item is damaged");
    }
    annotation::Box& box = state.annotations.boxes.emplace_back();
    box.id = TextOf(one, "id");
    box.label = TextOf(one, "label");
    box.x_min = corners[0].get<double>();
    box.y_min = corners[1].get<double>();
    box.x_max = corners[2].get<double>();
    box.y_max = corners[3].get<double>();
    box.confidence = ConfidenceOf(one);
  }
  for (const Json& one : MemberOf(json, "classifications")) {
    annotation::Classification& classification = state.annotations.classifications.emplace_back();
    classification.id = TextOf(one, "id");
    classification.label = TextOf(one, "label");
    classification.confidence = ConfidenceOf(one);
  }
  return state;
}

absl::Status Normalize(const std::string& file_id, int64_t version, AnnotationState& state) {
  if (state.annotations.boxes.size() + state.annotations.classifications.size() > kMostBoxes) {
    return InvalidArgument("an item can have at most 10000 boxes and classifications");
  }
  std::sort(state.tags.begin(), state.tags.end());
  state.tags.erase(std::unique(state.tags.begin(), state.tags.end()), state.tags.end());
  RETURN_IF_ERROR(annotation::CheckAnnotations(state.annotations, state.tags));
  IdMaker boxes(file_id, version);
  for (auto& box : state.annotations.boxes) {
    boxes.Settle(box.id);
  }
  IdMaker classifications(file_id, version);
  for (auto& classification : state.annotations.classifications) {
    classifications.Settle(classification.id);
  }
  return absl::OkStatus();
}

std::string HashOf(const AnnotationState& state, int width, int height) {
  const Sha256Digest digest =
      annotation::AnnotationHash(state.annotations, state.tags, width, height);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace bowerbird::data
