// SPDX-License-Identifier: Apache-2.0
//
// Text as the numbers that a text model takes: split by a regular expression, looked up in a
// vocabulary, as TensorFlow Lite's text models with a RegexTokenizer in their metadata want it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "re2/re2.h"

namespace bowerbird::text {

class Vocabulary {
 public:
  // A line "word", whose number is that of the line, from 0; or, if all lines are so, "word
  // number". Blank lines count and have no word; where a word stands twice, the first one holds.
  // INVALID_ARGUMENT: no word at all, or a number that is none, negative or above 2^31.
  static absl::StatusOr<Vocabulary> Parse(std::string_view text);

  std::optional<int32_t> Find(std::string_view word) const;
  size_t size() const { return numbers_.size(); }
  // No word but those in <> has an A..Z: text is made small before it is looked up.
  bool is_small() const { return is_small_; }

 private:
  std::map<std::string, int32_t, std::less<>> numbers_;
  bool is_small_ = true;
};

// Thread-safe.
class Tokenizer {
 public:
  // What separates words where the model does not say: all but letters, digits, _ and '.
  static constexpr char kDefaultDelimiter[] = R"([^\w']+)";

  // INVALID_ARGUMENT: `delimiter` is not an RE2 expression, or matches the empty text.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Create(Vocabulary vocabulary,
                                                           const std::string& delimiter);

  // Exactly `length` numbers: <START> if the vocabulary has it, the words, and <PAD> (0 without
  // one) for what is left. Words that are not known are <UNKNOWN>, or left out without one; those
  // that do not fit are cut off.
  std::vector<int32_t> Encode(std::string_view text, size_t length) const;

 private:
  Tokenizer(Vocabulary vocabulary, const std::string& delimiter);

  const Vocabulary vocabulary_;
  const re2::RE2 delimiter_;
};

}  // namespace bowerbird::text
