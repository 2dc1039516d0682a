// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_text_pattern.h"

#include <algorithm>

namespace bowerbird::store {
namespace {

// Comparisons between two questions whether to stop: about a millisecond.
constexpr uint32_t kSteps = 1u << 18;

uint32_t LowerAscii(uint32_t character) {
  return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
}

// What a first byte from 0xC0 on says of the character.
uint32_t LeadBits(unsigned char byte) {
  if (byte < 0xe0) return byte & 0x1fu;
  if (byte < 0xf0) return byte & 0x0fu;
  if (byte < 0xf8) return byte & 0x07u;
  if (byte < 0xfc) return byte & 0x03u;
  return byte < 0xfe ? byte & 0x01u : 0;
}

}  // namespace

uint32_t NextCharacter(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0xc0) return lead;
  uint32_t character = LeadBits(lead);
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80) {
    character = (character << 6) + (static_cast<unsigned char>(text[at++]) & 0x3fu);
  }
  const bool is_malformed = character < 0x80 || (character & 0xfffff800u) == 0xd800u ||
                            (character & 0xfffffffeu) == 0xfffeu;
  return is_malformed ? 0xfffdu : character;
}

TextPattern::TextPattern(Kind kind, std::string_view pattern, uint32_t escape) : kind_(kind) {
  const uint32_t any = kind == Kind::kLike ? U'%' : U'*';
  const uint32_t one = kind == Kind::kLike ? U'_' : U'?';
  for (size_t at = 0; at < pattern.size();) {
    const uint32_t character = NextCharacter(pattern, at);
    Token token{.kind = Token::Kind::kCharacter, .character = character};
    if (escape != 0 && character == escape) {
      token.kind = at < pattern.size() ? Token::Kind::kCharacter : Token::Kind::kNever;
      if (at < pattern.size()) token.character = NextCharacter(pattern, at);
    } else if (character == any) {
      token.kind = Token::Kind::kAny;
    } else if (character == one) {
      token.kind = Token::Kind::kOne;
    } else if (kind == Kind::kGlob && character == '[') {
      token = ReadSet(pattern, at);
    }
    tokens_.push_back(std::move(token));
  }
}

// [abc], [a-z], [^…]; a ']' right at the beginning is one of the set.
TextPattern::Token TextPattern::ReadSet(std::string_view pattern, size_t& at) {
  Token set{.kind = Token::Kind::kSet};
  const auto next = [&] { return at < pattern.size() ? NextCharacter(pattern, at) : 0; };
  uint32_t character = next();
  if (character == '^') {
    set.is_inverted = true;
    character = next();
  }
  if (character == ']') {
    set.ranges.push_back({']', ']'});
    character = next();
  }
  uint32_t before = 0;  // what a range may begin with
  while (character != 0 && character != ']') {
    if (character == '-' && before != 0 && at < pattern.size() && pattern[at] != ']') {
      set.ranges.push_back({before, next()});
      before = 0;
    } else {
      set.ranges.push_back({character, character});
      before = character;
    }
    character = next();
  }
  if (character == 0) set.kind = Token::Kind::kNever;
  return set;
}

bool TextPattern::Accepts(const Token& token, uint32_t character) const {
  switch (token.kind) {
    case Token::Kind::kOne:
      return true;
    case Token::Kind::kCharacter:
      return token.character == character ||
             (kind_ == Kind::kLike && LowerAscii(token.character) == LowerAscii(character));
    case Token::Kind::kSet:
      return token.is_inverted !=
             std::any_of(token.ranges.begin(), token.ranges.end(), [character](const Range& range) {
               return range.first <= character && character <= range.last;
             });
    default:
      return false;
  }
}

// Once a wildcard for anything is reached, what is before it need not be looked at again: any
// earlier match of it is as good as a later one.
std::optional<bool> TextPattern::Matches(std::string_view text,
                                         const std::function<bool()>& must_stop) const {
  size_t at = 0;
  size_t token = 0;
  size_t retry_token = tokens_.size() + 1;  // behind the last kAny
  size_t retry_at = 0;
  uint32_t steps = 0;
  while (true) {
    if (++steps % kSteps == 0 && must_stop()) return std::nullopt;
    if (token < tokens_.size() && tokens_[token].kind == Token::Kind::kAny) {
      retry_token = ++token;
      retry_at = at;
      if (token == tokens_.size()) return true;
      continue;
    }
    if (at == text.size() && token == tokens_.size()) return true;
    size_t behind = at;
    if (at < text.size() && token < tokens_.size() &&
        Accepts(tokens_[token], NextCharacter(text, behind))) {
      at = behind;
      ++token;
      continue;
    }
    if (retry_token > tokens_.size() || at == text.size()) return false;
    (void)NextCharacter(text, retry_at);
    at = retry_at;
    token = retry_token;
  }
}

}  // namespace bowerbird::store
