// SPDX-License-Identifier: Apache-2.0
#include "annotation/values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird::annotation {
namespace {

bool HasControlCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // U+0080..U+009F
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xA0)
      return true;
  }
  return false;
}

std::string NumberText(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

absl::Status CheckConfidence(const std::optional<double>& confidence) {
  if (!confidence.has_value() || (*confidence >= 0 && *confidence <= 1)) return absl::OkStatus();
  return InvalidArgument("confidence is " + NumberText(*confidence) +
                         ": give a number from 0 to 1, or none");
}

absl::Status CheckCorners(const Box& box) {
  const std::array<std::pair<const char*, double>, 4> corners{
      {{"x_min", box.x_min}, {"y_min", box.y_min}, {"x_max", box.x_max}, {"y_max", box.y_max}}};
  for (const auto& [name, value] : corners) {
    if (!std::isfinite(value)) {
      return InvalidArgument(std::string(name) + " is " + NumberText(value) +
                             ": give a number from 0 to 1");
    }
  }
  for (const auto& [name, value] : corners) {
    if (value < 0 || value > 1) {
      return InvalidArgument(std::string(name) + " is " + NumberText(value) +
                             ", outside the picture: corners are fractions from 0 to 1 of its "
                             "width and height");
    }
  }
  if (box.x_min >= box.x_max || box.y_min >= box.y_max) {
    return InvalidArgument("the box has no area: x " + NumberText(box.x_min) + " to " +
                           NumberText(box.x_max) + ", y " + NumberText(box.y_min) + " to " +
                           NumberText(box.y_max) + ": x_min < x_max and y_min < y_max are needed");
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(Split split) {
  switch (split) {
    case Split::kTraining:
      return "train";
    case Split::kValidation:
      return "validation";
    case Split::kTest:
      return "test";
  }
  return "train";
}

std::optional<Split> SplitOf(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower == "train" || lower == "training") return Split::kTraining;
  if (lower == "validation" || lower == "val" || lower == "valid" || lower == "dev") {
    return Split::kValidation;
  }
  if (lower == "test" || lower == "testing") return Split::kTest;
  return std::nullopt;
}

absl::Status CheckLabel(std::string_view label) {
  if (label.empty()) return InvalidArgument("the label is empty: give it a name");
  if (label.size() > kMaxLabelBytes) {
    return InvalidArgument("label \"" + Printable(label) + "\" has " +
                           std::to_string(label.size()) + " bytes: at most " +
                           std::to_string(kMaxLabelBytes) + " are allowed");
  }
  if (!IsUtf8(label)) {
    return InvalidArgument("label \"" + Printable(label) +
                           "\" is not UTF-8: convert the file to UTF-8");
  }
  if (HasControlCharacter(label)) {
    return InvalidArgument("label \"" + Printable(label) +
                           "\" has a control character: take it out");
  }
  return absl::OkStatus();
}

absl::Status CheckBox(const Box& box) {
  RETURN_IF_ERROR(CheckLabel(box.label));
  RETURN_IF_ERROR(CheckCorners(box));
  return CheckConfidence(box.confidence);
}

absl::Status CheckClassification(const Classification& classification) {
  RETURN_IF_ERROR(CheckLabel(classification.label));
  return CheckConfidence(classification.confidence);
}

absl::Status CheckAnnotations(const Annotations& annotations, std::span<const std::string> tags) {
  for (size_t i = 0; i < annotations.boxes.size(); ++i) {
    RETURN_IF_ERROR(Annotate(CheckBox(annotations.boxes[i]), "box " + std::to_string(i + 1)));
  }
  for (size_t i = 0; i < annotations.classifications.size(); ++i) {
    RETURN_IF_ERROR(Annotate(CheckClassification(annotations.classifications[i]),
                             "classification " + std::to_string(i + 1)));
  }
  for (size_t i = 0; i < tags.size(); ++i) {
    RETURN_IF_ERROR(Annotate(CheckLabel(tags[i]), "tag " + std::to_string(i + 1)));
  }
  return absl::OkStatus();
}

std::string Printable(std::string_view bytes, size_t limit) {
  std::string text;
  size_t taken = 0;
  while (taken < bytes.size() && text.size() < limit) {
    const std::string_view rest = bytes.substr(taken);
    const size_t length = Utf8SequenceLength(rest);
    if (length > 0 && !HasControlCharacter(rest.substr(0, length))) {
      text += rest.substr(0, length);
      taken += length;
      continue;
    }
    std::array<char, 5> escape{};
    std::snprintf(escape.data(), escape.size(), "\\x%02X", static_cast<uint8_t>(rest[0]));
    text += escape.data();
    ++taken;
  }
  if (taken < bytes.size()) text += "...";
  return text;
}

}  // namespace bowerbird::annotation
