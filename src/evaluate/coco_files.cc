// SPDX-License-Identifier: Apache-2.0
#include "evaluate/coco_files.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "annotation/json_elements.h"
#include "annotation/values.h"
#include "base/status.h"

namespace bowerbird::evaluate {
namespace {

using annotation::IdOf;
using annotation::Json;
using annotation::JsonElement;
using annotation::JsonElements;
using annotation::Member;
using annotation::NumberOf;
using annotation::ParseJson;
using annotation::StringOf;

// Ids as they were met, numbered; `listed` those that the ground truth defines.
class Ids {
 public:
  uint32_t NumberFor(const std::string& id) {
    const auto [place, fresh] = numbers_.try_emplace(id, static_cast<uint32_t>(names_.size()));
    if (fresh) {
      names_.push_back(id);
      listed_.push_back(false);
    }
    return place->second;
  }
  std::optional<uint32_t> Find(const std::string& id) const {
    const auto place = numbers_.find(id);
    return place == numbers_.end() || !listed_[place->second] ? std::nullopt
                                                              : std::optional(place->second);
  }
  // False if it was listed before.
  bool List(uint32_t number) {
    const bool fresh = !listed_[number];
    listed_[number] = true;
    return fresh;
  }
  bool IsListed(uint32_t number) const { return listed_[number]; }
  const std::string& NameOf(uint32_t number) const { return names_[number]; }

  // Listed numbers in the order of their ids: as numbers where they are, else as text.
  std::vector<uint32_t> Sorted() const {
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < names_.size(); ++i) {
      if (listed_[i]) order.push_back(i);
    }
    const auto key = [this](uint32_t i) {
      const std::string& name = names_[i];
      const bool number = name.find_first_not_of("0123456789") == std::string::npos;
      return std::pair(number ? name.size() : size_t{1000}, std::string_view(name));
    };
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
    return order;
  }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<std::string> names_;
  std::vector<bool> listed_;
};

absl::Status Wrong(const JsonElement& element, std::string_view what) {
  std::string message = element.Pointer();
  message.append(": ").append(what);
  return InvalidArgument(message);
}

// [x, y, width, height], pixels.
std::optional<Rectangle> RectangleOf(const Json* value) {
  if (value == nullptr || !value->is_array() || value->size() != 4) return std::nullopt;
  std::array<double, 4> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::optional<double> number = NumberOf(&(*value)[i]);
    if (!number.has_value()) return std::nullopt;
    numbers[i] = *number;
  }
  if (numbers[2] < 0 || numbers[3] < 0) return std::nullopt;
  return Rectangle{numbers[0], numbers[1], numbers[0] + numbers[2], numbers[1] + numbers[3]};
}

bool IsSet(const Json* value) {
  return value != nullptr &&
         (value->is_boolean() ? value->get<bool>() : NumberOf(value).value_or(0) != 0);
}

class Collector {
 public:
  explicit Collector(CocoSet& coco) : coco_(coco) {}

  absl::Status TakeTruth(const JsonElement& element) {
    if (element.key.empty()) {
      return InvalidArgument(
          "it is an array: the ground truth is an object with \"images\", "
          "\"annotations\" and \"categories\"");
    }
    if (!element.in_array) return absl::OkStatus();
    if (element.key == "images") return TakePicture(element);
    if (element.key == "categories") return TakeCategory(element);
    if (element.key == "annotations") return TakeTruthBox(element);
    return absl::OkStatus();
  }

  // After the last of the truth: numbers become those of the set.
  absl::Status FinishTruth() {
    if (pictures_.Sorted().empty()) {
      return InvalidArgument("there is no picture in \"images\": the file is no ground truth");
    }
    picture_places_ = Places(pictures_);
    category_places_ = Places(categories_);
    for (TruthBox& box : coco_.set.truth) {
      if (!pictures_.IsListed(box.picture)) {
        return InvalidArgument("an annotation is of picture id " +
                               annotation::Printable(pictures_.NameOf(box.picture)) +
                               ", which is not in \"images\": add it or take it out");
      }
      if (!categories_.IsListed(box.category)) {
        return InvalidArgument("an annotation is of category id " +
                               annotation::Printable(categories_.NameOf(box.category)) +
                               ", which is not in \"categories\": add it or take it out");
      }
      box.picture = picture_places_[box.picture];
      box.category = category_places_[box.category];
    }
    coco_.set.pictures = static_cast<uint32_t>(pictures_.Sorted().size());
    for (const uint32_t number : categories_.Sorted()) {
      coco_.set.categories.push_back(std::move(category_names_[number]));
    }
    return absl::OkStatus();
  }

  absl::Status TakeFound(const JsonElement& element) {
    if (!element.in_array) return absl::OkStatus();
    if (!element.key.empty() && element.key != "annotations") return absl::OkStatus();
    ASSIGN_OR_RETURN(const Json json, ParseJson(element.text, "segmentation"));
    const std::optional<std::string> picture = IdOf(Member(json, "image_id"));
    const std::optional<std::string> category = IdOf(Member(json, "category_id"));
    const std::optional<Rectangle> box = RectangleOf(Member(json, "bbox"));
    const std::optional<double> score = NumberOf(Member(json, "score"));
    if (!picture || !category || !box || !score) {
      return Wrong(element,
                   "a detection has image_id, category_id, bbox [x, y, width, height] and "
                   "score");
    }
    const std::optional<uint32_t> number = pictures_.Find(*picture);
    if (!number.has_value()) {
      return Wrong(element, "picture id " + annotation::Printable(*picture) +
                                " is not in the ground truth: evaluate against the set that the "
                                "detections were made on");
    }
    const std::optional<uint32_t> kind = categories_.Find(*category);
    if (!kind.has_value()) {
      ++coco_.unknown_category;
      return absl::OkStatus();
    }
    coco_.set.found.push_back({picture_places_[*number], category_places_[*kind], *box, *score});
    return absl::OkStatus();
  }

 private:
  absl::Status TakePicture(const JsonElement& element) {
    ASSIGN_OR_RETURN(const Json json, ParseJson(element.text));
    const std::optional<std::string> id = IdOf(Member(json, "id"));
    if (!id.has_value()) return Wrong(element, "a picture has no id");
    if (!pictures_.List(pictures_.NumberFor(*id))) {
      return Wrong(element, "picture id " + annotation::Printable(*id) + " is there twice");
    }
    return absl::OkStatus();
  }

  absl::Status TakeCategory(const JsonElement& element) {
    ASSIGN_OR_RETURN(const Json json, ParseJson(element.text));
    const std::optional<std::string> id = IdOf(Member(json, "id"));
    if (!id.has_value()) return Wrong(element, "a category has no id");
    const uint32_t number = categories_.NumberFor(*id);
    if (!categories_.List(number)) {
      return Wrong(element, "category id " + annotation::Printable(*id) + " is there twice");
    }
    if (category_names_.size() <= number) category_names_.resize(number + 1);
    category_names_[number] = StringOf(Member(json, "name")).value_or(*id);
    return absl::OkStatus();
  }

  absl::Status TakeTruthBox(const JsonElement& element) {
    ASSIGN_OR_RETURN(const Json json, ParseJson(element.text, "segmentation"));
    const std::optional<std::string> picture = IdOf(Member(json, "image_id"));
    const std::optional<std::string> category = IdOf(Member(json, "category_id"));
    const std::optional<Rectangle> box = RectangleOf(Member(json, "bbox"));
    if (!picture || !category || !box) {
      return Wrong(element,
                   "an annotation has image_id, category_id and bbox [x, y, width, height]");
    }
    TruthBox truth{pictures_.NumberFor(*picture), categories_.NumberFor(*category), *box};
    truth.area = NumberOf(Member(json, "area")).value_or(box->Area());
    truth.crowd = IsSet(Member(json, "iscrowd"));
    truth.difficult = IsSet(Member(json, "difficult"));
    coco_.set.truth.push_back(truth);
    return absl::OkStatus();
  }

  static std::vector<uint32_t> Places(const Ids& ids) {
    std::vector<uint32_t> places;
    const std::vector<uint32_t> sorted = ids.Sorted();
    for (uint32_t place = 0; place < sorted.size(); ++place) {
      if (places.size() <= sorted[place]) places.resize(sorted[place] + 1);
      places[sorted[place]] = place;
    }
    return places;
  }

  CocoSet& coco_;
  Ids pictures_, categories_;
  std::vector<std::string> category_names_;                 // by number
  std::vector<uint32_t> picture_places_, category_places_;  // number -> place in the set
};

template <typename Take>
absl::Status ForEachElement(FileSystem& files, const std::string& name, Take take) {
  ASSIGN_OR_RETURN(auto file, files.OpenForReading(name));
  JsonElements elements(std::move(file));
  while (true) {
    absl::StatusOr<std::optional<JsonElement>> element = elements.Next();
    if (!element.ok()) return Annotate(element.status(), name);
    if (!element->has_value()) return absl::OkStatus();
    if (absl::Status status = take(**element); !status.ok()) return Annotate(status, name);
  }
}

}  // namespace

absl::StatusOr<CocoSet> ReadCocoFiles(FileSystem& files, const CocoFiles& names) {
  CocoSet coco;
  Collector collector(coco);
  RETURN_IF_ERROR(ForEachElement(files, names.ground_truth, [&](const JsonElement& element) {
    return collector.TakeTruth(element);
  }));
  if (absl::Status status = collector.FinishTruth(); !status.ok()) {
    return Annotate(status, names.ground_truth);
  }
  RETURN_IF_ERROR(ForEachElement(files, names.detections, [&](const JsonElement& element) {
    return collector.TakeFound(element);
  }));
  return coco;
}

}  // namespace bowerbird::evaluate
