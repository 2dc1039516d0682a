// SPDX-License-Identifier: Apache-2.0
//
// The elements of a large JSON document one at a time, in bounded memory. Internal to this room.
//
// Documents of datasets are an array, or an object whose members are arrays; what lies in those
// arrays is small. This finds where each element begins and ends (a scan that knows strings and
// brackets, nothing else) and hands out its text to be parsed by itself, so one damaged element
// costs that element and not the file.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "annotation/text_file.h"

namespace bowerbird::annotation {

inline constexpr size_t kMaxElementBytes = size_t{16} << 20;
inline constexpr int kMaxJsonDepth = 64;

struct JsonElement {
  std::string_view key;   // of the document's member; empty where the document is an array
  uint64_t index = 0;     // in that array
  bool in_array = false;  // otherwise the member itself, whose value is no array
  std::string_view text;
  // "/annotations/3"
  std::string Pointer() const;
};

class JsonElements {
 public:
  explicit JsonElements(std::unique_ptr<ReadableFile> file);

  // nullopt at the end of a whole document. INVALID_ARGUMENT names the byte where it stops being
  // one, RESOURCE_EXHAUSTED an element that is too large or too deep. The views are valid until the
  // next call.
  absl::StatusOr<std::optional<JsonElement>> Next();

 private:
  enum class Where { kStart, kRootArray, kRootObject, kMemberArray, kEnd };

  // What is open where the scan of an element is.
  struct Nesting {
    std::string open;  // the brackets that have to close, the innermost last
    bool quoted = false, escaped = false;
  };

  absl::StatusOr<int> PeekPastSpace();
  absl::StatusOr<bool> ScanNested(std::string_view piece, Nesting& nesting);
  void Keep(std::string_view piece);
  absl::Status ReadValue();
  absl::Status ReadString();
  absl::Status ReadScalar();
  absl::Status ReadNested();
  absl::StatusOr<bool> StepInObject();
  absl::StatusOr<bool> StepInArray();
  absl::Status Begin();
  absl::Status Wrong(std::string_view what) const;
  absl::StatusOr<char> Byte();

  TextFile text_;
  uint64_t taken_ = 0;
  Where where_ = Where::kStart;
  bool first_ = true;  // no element of this array or object was seen
  std::string key_;
  std::string value_;
  uint64_t index_ = 0;
  bool outer_first_ = true;
};

using Json = nlohmann::json;

// One element as a value. Members named in `ignored` (at the first level) are left out while
// parsing. INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<Json> ParseJson(std::string_view text, std::string_view ignored = {});

// Members as what they should be; nullptr or nullopt where they are missing or something else.
const Json* Member(const Json& object, const char* name);
// Numbers also as strings ("12,5"); finite only.
std::optional<double> NumberOf(const Json* value);
std::optional<std::string> StringOf(const Json* value);
// Ids: whole numbers and strings, as text.
std::optional<std::string> IdOf(const Json* value);

// The string in quotes, with everything escaped that has to be. Must be UTF-8.
std::string JsonString(std::string_view text);

}  // namespace bowerbird::annotation
