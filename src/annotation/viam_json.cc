// SPDX-License-Identifier: Apache-2.0
#include "annotation/viam_json.h"

#include <utility>

#include "annotation/numbers.h"

namespace bowerbird::annotation {
namespace {

void Skip(const RawImage& raw, const std::string& place, std::string what,
          std::deque<Event>& events) {
  events.emplace_back(Problem{Problem::Kind::kAnnotationSkipped, raw.file, place, std::move(what)});
}

std::string PlaceOf(const std::string& place, size_t index) {
  return place + "/" + std::to_string(index);
}

std::string Extras(const std::string& id, const std::optional<double>& confidence) {
  std::string text;
  if (confidence.has_value()) text += ", \"confidence\": " + NumberText(*confidence);
  if (!id.empty()) text += ", \"id\": " + JsonString(id);
  return text;
}

std::string Named(const char* name) { return std::string("\"") + name + "\": "; }

}  // namespace

void ReadBoxes(const Json* array, const ViamNames& names, const std::string& place, RawImage& raw,
               std::deque<Event>& events) {
  if (array == nullptr || !array->is_array()) return;
  for (size_t i = 0; i < array->size() && raw.boxes.size() <= kMaxBoxesOfPicture; ++i) {
    const Json& one = (*array)[i];
    RawBox box{.pixels = false, .place = PlaceOf(place, i)};
    box.label = StringOf(Member(one, names.label)).value_or("");
    box.id = StringOf(Member(one, "id")).value_or("");
    box.confidence = NumberOf(Member(one, "confidence"));
    const char* bad = one.is_object() ? nullptr : "the box";
    for (const auto& [name, corner] :
         {std::pair(names.x_min, &box.x_min), std::pair(names.y_min, &box.y_min),
          std::pair(names.x_max, &box.x_max), std::pair(names.y_max, &box.y_max)}) {
      const Json* value = Member(one, name);
      if (value == nullptr) continue;
      const auto number = NumberOf(value);
      if (!number.has_value()) bad = name;
      *corner = number.value_or(0);
    }
    if (bad != nullptr) {
      Skip(raw, box.place, std::string(bad) + " is not what it should be: give finite numbers",
           events);
    } else {
      raw.boxes.push_back(std::move(box));
    }
  }
}

void ReadClassifications(const Json* array, const ViamNames& names, const std::string& place,
                         RawImage& raw, std::deque<Event>& events) {
  if (array == nullptr || !array->is_array()) return;
  for (size_t i = 0; i < array->size(); ++i) {
    const Json& one = (*array)[i];
    const auto label = StringOf(Member(one, names.label));
    if (!label.has_value()) {
      Skip(raw, PlaceOf(place, i), "the classification has no label: give it one", events);
      continue;
    }
    raw.classifications.push_back({.id = StringOf(Member(one, "id")).value_or(""),
                                   .label = *label,
                                   .confidence = NumberOf(Member(one, "confidence"))});
  }
}

void ReadTags(const Json* array, const std::string& place, RawImage& raw,
              std::deque<Event>& events) {
  if (array == nullptr || !array->is_array()) return;
  for (size_t i = 0; i < array->size(); ++i) {
    if (auto tag = StringOf(&(*array)[i])) {
      raw.tags.push_back(*std::move(tag));
    } else {
      Skip(raw, PlaceOf(place, i), "the tag is no text: put it into quotes", events);
    }
  }
}

std::string BoxText(const Box& box, const ViamNames& names) {
  return std::string("{") + Named(names.label) + JsonString(box.label) + ", " + Named(names.x_min) +
         NumberText(box.x_min) + ", " + Named(names.y_min) + NumberText(box.y_min) + ", " +
         Named(names.x_max) + NumberText(box.x_max) + ", " + Named(names.y_max) +
         NumberText(box.y_max) + Extras(box.id, box.confidence) + "}";
}

std::string ClassificationText(const Classification& one, const ViamNames& names) {
  return std::string("{") + Named(names.label) + JsonString(one.label) +
         Extras(one.id, one.confidence) + "}";
}

}  // namespace bowerbird::annotation
