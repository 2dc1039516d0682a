// SPDX-License-Identifier: Apache-2.0
#include "annotation/json_elements.h"

#include <cmath>
#include <utility>

#include "annotation/numbers.h"
#include "annotation/values.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

bool IsSpace(int byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

}  // namespace

std::string JsonElement::Pointer() const {
  std::string pointer;
  if (!key.empty()) pointer.append("/").append(Printable(key));
  if (in_array) pointer.append("/").append(std::to_string(index));
  return pointer;
}

JsonElements::JsonElements(std::unique_ptr<ReadableFile> file) : text_(std::move(file)) {}

absl::Status JsonElements::Wrong(std::string_view what) const {
  return InvalidArgument("byte " + std::to_string(taken_) + ": " + std::string(what) +
                         ": the file is no whole JSON document");
}

absl::StatusOr<char> JsonElements::Byte() {
  ASSIGN_OR_RETURN(const int byte, text_.TakeByte());
  if (byte < 0) return Wrong("the file ends in the middle");
  ++taken_;
  return static_cast<char>(byte);
}

absl::StatusOr<int> JsonElements::PeekPastSpace() {
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view bytes, text_.Peek());
    if (bytes.empty()) return -1;
    if (!IsSpace(bytes[0])) return static_cast<unsigned char>(bytes[0]);
    text_.Take(1);
    ++taken_;
  }
}

absl::Status JsonElements::ReadString() {
  for (bool escaped = false;;) {
    ASSIGN_OR_RETURN(const char c, Byte());
    value_ += c;
    if (value_.size() > kMaxElementBytes)
      return ResourceExhausted("a string is larger than 16 MiB");
    if (escaped) {
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (c == '"') {
      return absl::OkStatus();
    }
  }
}

absl::Status JsonElements::ReadScalar() {
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view bytes, text_.Peek());
    if (bytes.empty() || IsSpace(bytes[0]) || bytes[0] == ',' || bytes[0] == ']' ||
        bytes[0] == '}') {
      return value_.empty() ? Wrong("a value is missing") : absl::OkStatus();
    }
    value_ += bytes[0];
    if (value_.size() > kMaxLineBytes) return ResourceExhausted("a number is larger than 16 MiB");
    text_.Take(1);
    ++taken_;
  }
}

// What ends inside the piece is taken with it; the scan knows strings and brackets.
absl::StatusOr<bool> JsonElements::ScanNested(std::string_view piece, Nesting& nesting) {
  for (size_t i = 0; i < piece.size(); ++i) {
    const char c = piece[i];
    if (nesting.quoted) {
      if (nesting.escaped) {
        nesting.escaped = false;
      } else if (c == '\\') {
        nesting.escaped = true;
      } else if (c == '"') {
        nesting.quoted = false;
      }
      continue;
    }
    if (c == '"') {
      nesting.quoted = true;
    } else if (c == '{' || c == '[') {
      if (nesting.open.size() >= kMaxJsonDepth) {
        return ResourceExhausted("byte " + std::to_string(taken_ + i) +
                                 ": nested more than 64 deep: no dataset needs that");
      }
      nesting.open += c == '{' ? '}' : ']';
    } else if (c == '}' || c == ']') {
      if (c != nesting.open.back()) return Wrong("brackets do not match");
      nesting.open.pop_back();
      if (nesting.open.empty()) {
        Keep(piece.substr(0, i + 1));
        return true;
      }
    }
  }
  Keep(piece);
  return false;
}

void JsonElements::Keep(std::string_view piece) {
  value_ += piece;
  text_.Take(piece.size());
  taken_ += piece.size();
}

absl::Status JsonElements::ReadNested() {
  Nesting nesting;
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view piece, text_.Peek());
    if (piece.empty()) return Wrong("the file ends in the middle");
    ASSIGN_OR_RETURN(const bool ended, ScanNested(piece, nesting));
    if (ended) return absl::OkStatus();
    if (value_.size() > kMaxElementBytes) {
      return ResourceExhausted("byte " + std::to_string(taken_) +
                               ": an element is larger than 16 MiB: no dataset needs that");
    }
  }
}

absl::Status JsonElements::ReadValue() {
  value_.clear();
  ASSIGN_OR_RETURN(const int next, PeekPastSpace());
  if (next == '"') {
    value_ += '"';
    text_.Take(1);
    ++taken_;
    return ReadString();
  }
  return next == '{' || next == '[' ? ReadNested() : ReadScalar();
}

absl::Status JsonElements::Begin() {
  ASSIGN_OR_RETURN(const int next, PeekPastSpace());
  if (next != '[' && next != '{') return Wrong("neither an array nor an object");
  where_ = next == '[' ? Where::kRootArray : Where::kRootObject;
  text_.Take(1);
  ++taken_;
  return absl::OkStatus();
}

// Whether there is a value in value_; otherwise the array has ended.
absl::StatusOr<bool> JsonElements::StepInArray() {
  ASSIGN_OR_RETURN(int next, PeekPastSpace());
  if (next == ']') {
    text_.Take(1);
    ++taken_;
    first_ = outer_first_;
    where_ = where_ == Where::kRootArray ? Where::kEnd : Where::kRootObject;
    return false;
  }
  if (!std::exchange(first_, false)) {
    if (next != ',') return Wrong("a comma is missing");
    text_.Take(1);
    ++taken_;
  }
  RETURN_IF_ERROR(ReadValue());
  return true;
}

// Whether there is a member whose value, no array, is in value_.
absl::StatusOr<bool> JsonElements::StepInObject() {
  ASSIGN_OR_RETURN(int next, PeekPastSpace());
  if (next == '}') {
    text_.Take(1);
    ++taken_;
    where_ = Where::kEnd;
    return false;
  }
  if (!std::exchange(first_, false)) {
    if (next != ',') return Wrong("a comma is missing");
    text_.Take(1);
    ++taken_;
  }
  RETURN_IF_ERROR(ReadValue());
  const Json key = Json::parse(value_, nullptr, false);
  if (!key.is_string()) return Wrong("the name of a member is missing");
  key_ = key.get<std::string>();
  ASSIGN_OR_RETURN(next, PeekPastSpace());
  if (next != ':') return Wrong("a colon is missing");
  text_.Take(1);
  ++taken_;
  ASSIGN_OR_RETURN(next, PeekPastSpace());
  if (next != '[') {
    RETURN_IF_ERROR(ReadValue());
    return true;
  }
  text_.Take(1);
  ++taken_;
  where_ = Where::kMemberArray;
  index_ = 0;
  outer_first_ = false;
  first_ = true;
  return false;
}

absl::StatusOr<std::optional<JsonElement>> JsonElements::Next() {
  while (true) {
    switch (where_) {
      case Where::kStart: {
        RETURN_IF_ERROR(Begin());
        break;
      }
      case Where::kRootArray:
      case Where::kMemberArray: {
        ASSIGN_OR_RETURN(const bool any, StepInArray());
        if (any) return JsonElement{key_, index_++, true, value_};
        break;
      }
      case Where::kRootObject: {
        ASSIGN_OR_RETURN(const bool any, StepInObject());
        if (any) return JsonElement{key_, 0, false, value_};
        break;
      }
      case Where::kEnd: {
        ASSIGN_OR_RETURN(const int next, PeekPastSpace());
        if (next >= 0) return Wrong("something follows the end");
        return std::nullopt;
      }
    }
  }
}

absl::StatusOr<Json> ParseJson(std::string_view text, std::string_view ignored) {
  const auto keep = [&](int depth, Json::parse_event_t event, Json& value) {
    return event != Json::parse_event_t::key || depth != 1 ||
           value.get_ref<const std::string&>() != ignored;
  };
  // The callback makes parsing much slower: only where there is something to leave out.
  Json parsed = ignored.empty() || text.find(ignored) == std::string_view::npos
                    ? Json::parse(text, nullptr, false)
                    : Json::parse(text, keep, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    return InvalidArgument(std::string("\"") + Printable(text) +
                           "\" is no JSON (NaN, numbers beyond 1.8e308, bad UTF-8 and single "
                           "quotes are none): correct it");
  }
  return parsed;
}

const Json* Member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::optional<double> NumberOf(const Json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const auto number = value->get<double>();
    return std::isfinite(number) ? std::optional(number) : std::nullopt;
  }
  if (value->is_string()) return ParseNumber(value->get_ref<const std::string&>());
  return std::nullopt;
}

std::optional<std::string> StringOf(const Json* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

std::optional<std::string> IdOf(const Json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) return std::to_string(value->get<uint64_t>());
  if (value->is_number_integer()) return std::to_string(value->get<int64_t>());
  if (value->is_number()) return NumberText(value->get<double>());
  return StringOf(value);
}

std::string JsonString(std::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace bowerbird::annotation
