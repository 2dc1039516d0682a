// SPDX-License-Identifier: Apache-2.0
//
// The patterns of LIKE and GLOB, read once and matched without recursion.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace bowerbird::store {

// The character at `at`, which moves behind it, as SQLite reads UTF-8: what is malformed becomes
// U+FFFD, a lone continuation byte itself. `at` must be within the text.
uint32_t NextCharacter(std::string_view text, size_t& at);

class TextPattern {
 public:
  enum class Kind {
    kLike,  // % and _; ASCII letters match in either case
    kGlob,  // * and ?, sets in brackets; case matters
  };

  // `escape` is LIKE's: the character after it stands for itself. 0: none.
  TextPattern(Kind kind, std::string_view pattern, uint32_t escape);

  // Empty if `must_stop` said so before it was known.
  std::optional<bool> Matches(std::string_view text, const std::function<bool()>& must_stop) const;

 private:
  struct Range {
    uint32_t first = 0;
    uint32_t last = 0;
  };
  struct Token {
    enum class Kind { kAny, kOne, kCharacter, kSet, kNever };
    Kind kind = Kind::kNever;
    uint32_t character = 0;
    bool is_inverted = false;
    std::vector<Range> ranges{};
  };
  static Token ReadSet(std::string_view pattern, size_t& at);
  bool Accepts(const Token& token, uint32_t character) const;

  const Kind kind_;
  std::vector<Token> tokens_;
};

}  // namespace bowerbird::store
