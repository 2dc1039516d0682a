// SPDX-License-Identifier: Apache-2.0
#include "tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/status.h"

namespace bowerbird::text {
namespace {

struct Line {
  std::string word;
  std::string number;  // "" where there is none
};

// The last word of a line of several is its number.
Line ReadLine(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  const size_t space = line.find_last_of(" \t");
  if (space == absl::string_view::npos) return {std::string(line), ""};
  const absl::string_view last = line.substr(space + 1);
  if (!std::all_of(last.begin(), last.end(), absl::ascii_isdigit)) return {std::string(line), ""};
  return {std::string(absl::StripAsciiWhitespace(line.substr(0, space))), std::string(last)};
}

bool HasCapitals(const std::string& word) {
  const bool is_special = word.size() > 2 && word.front() == '<' && word.back() == '>';
  return !is_special && std::any_of(word.begin(), word.end(), absl::ascii_isupper);
}

}  // namespace

absl::StatusOr<Vocabulary> Vocabulary::Parse(std::string_view text) {
  std::vector<Line> lines;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n'))
    lines.push_back(ReadLine(line));
  const bool has_numbers = std::all_of(lines.begin(), lines.end(), [](const Line& line) {
    return line.word.empty() || !line.number.empty();
  });
  Vocabulary vocabulary;
  int32_t index = 0;
  for (Line& line : lines) {
    int32_t number = index++;
    if (line.word.empty()) continue;
    if (has_numbers && !absl::SimpleAtoi(line.number, &number))
      return InvalidArgument("vocabulary, line " + std::to_string(index) + ": \"" + line.number +
                             "\" is no number that a token can have");
    if (!has_numbers && !line.number.empty()) line.word += " " + line.number;
    if (HasCapitals(line.word)) vocabulary.is_small_ = false;
    vocabulary.numbers_.emplace(std::move(line.word), number);
  }
  if (vocabulary.numbers_.empty()) return InvalidArgument("the vocabulary has no words");
  return vocabulary;
}

std::optional<int32_t> Vocabulary::Find(std::string_view word) const {
  const auto found = numbers_.find(word);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

Tokenizer::Tokenizer(Vocabulary vocabulary, const std::string& delimiter)
    : vocabulary_(std::move(vocabulary)), delimiter_(delimiter, re2::RE2::Quiet) {}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Create(Vocabulary vocabulary,
                                                             const std::string& delimiter) {
  auto made = std::unique_ptr<Tokenizer>(new Tokenizer(std::move(vocabulary), delimiter));
  if (!made->delimiter_.ok())
    return InvalidArgument("the model's delimiter \"" + delimiter +
                           "\" is no regular expression: " + made->delimiter_.error());
  // Between all letters, then.
  if (re2::RE2::FullMatch("", made->delimiter_))
    return InvalidArgument("the model's delimiter \"" + delimiter + "\" matches the empty text");
  return made;
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, size_t length) const {
  std::vector<int32_t> tokens(length, vocabulary_.Find("<PAD>").value_or(0));
  size_t count = 0;
  if (const auto start = vocabulary_.Find("<START>"); start && length > 0) tokens[count++] = *start;
  const auto unknown = vocabulary_.Find("<UNKNOWN>");
  const std::string shown =
      vocabulary_.is_small() ? absl::AsciiStrToLower(ToAbsl(text)) : std::string(text);
  const auto add = [&](std::string_view word) {
    if (word.empty()) return;
    const auto number = vocabulary_.Find(word);
    if (number || unknown) tokens[count++] = number ? *number : *unknown;
  };
  size_t at = 0;
  while (count < length && at < shown.size()) {
    re2::StringPiece gap;
    const bool found = delimiter_.Match(shown, at, shown.size(), re2::RE2::UNANCHORED, &gap, 1);
    // An expression such as "\b" matches nothing, somewhere: each round moves on all the same.
    const size_t end = found ? static_cast<size_t>(gap.data() - shown.data()) : shown.size();
    add(std::string_view(shown).substr(at, end - at));
    at = end + (found ? std::max<size_t>(gap.size(), 1) : 0);
  }
  return tokens;
}

}  // namespace bowerbird::text
