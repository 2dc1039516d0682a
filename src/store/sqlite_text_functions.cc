// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_text_functions.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite_connection.h"
#include "store/sqlite_text_pattern.h"

namespace bowerbird::store {
namespace {

// As SQLite bounds them (SQLITE_LIMIT_LIKE_PATTERN_LENGTH), tighter.
constexpr size_t kMostPatternBytes = 1000;
constexpr size_t kMostTrimmed = 1000;
// Bytes compared between two questions whether to stop.
constexpr size_t kBytesPerQuestion = size_t{1} << 20;

const MustStop& StopOf(sqlite3_context* context) {
  return *static_cast<const MustStop*>(sqlite3_user_data(context));
}

void Interrupt(sqlite3_context* context) {
  sqlite3_result_error(context, "interrupted", -1);
  sqlite3_result_error_code(context, SQLITE_INTERRUPT);
}

// Empty with `is_null` for NULL, and when there is no memory to convert the value.
struct Text {
  explicit Text(sqlite3_value* value)
      : data(reinterpret_cast<const char*>(sqlite3_value_text(value))),
        bytes(data == nullptr ? 0 : static_cast<size_t>(sqlite3_value_bytes(value))) {}
  bool is_null() const { return data == nullptr; }
  std::string_view view() const { return {data, bytes}; }
  // What C functions see of it.
  std::string_view until_nul() const {
    return view().substr(0, std::min(view().find('\0'), bytes));
  }

  const char* data;
  size_t bytes;
};

struct CopyEnd {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};
using Copy = std::unique_ptr<sqlite3_value, CopyEnd>;

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0u) == 0x80; }

// memmem() of glibc is linear in the worst case, too; std::string_view::find is not.
size_t Find(std::string_view text, std::string_view what) {
  const void* const found = memmem(text.data(), text.size(), what.data(), what.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// Counted in characters from 1; 0: not there.
int64_t PlaceInText(std::string_view text, std::string_view what) {
  // A piece of a character is found at the beginning only, where SQLite looks at it as one.
  if (IsContinuation(what.front())) return text.starts_with(what) ? 1 : 0;
  const size_t at = Find(text, what);
  if (at == std::string_view::npos) return 0;
  int64_t place = 1;
  for (size_t byte = 0; byte < at; ++byte) {
    if (byte == 0 || !IsContinuation(text[byte])) ++place;
  }
  return place;
}

void Instr(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL ||
      sqlite3_value_type(arguments[1]) == SQLITE_NULL) {
    return;
  }
  if (sqlite3_value_type(arguments[0]) == SQLITE_BLOB &&
      sqlite3_value_type(arguments[1]) == SQLITE_BLOB) {
    const auto bytes = [](sqlite3_value* value) {
      const auto* const data = static_cast<const char*>(sqlite3_value_blob(value));
      return std::string_view(data == nullptr ? "" : data,
                              static_cast<size_t>(sqlite3_value_bytes(value)));
    };
    // npos + 1 is 0.
    sqlite3_result_int64(context,
                         static_cast<int64_t>(Find(bytes(arguments[0]), bytes(arguments[1])) + 1));
    return;
  }
  // Copies, because reading bytes as text would make text of the argument itself.
  const Copy first(sqlite3_value_dup(arguments[0]));
  const Copy second(sqlite3_value_dup(arguments[1]));
  const Text text(first.get());
  const Text what(second.get());
  if (text.is_null() || what.is_null()) return sqlite3_result_error_nomem(context);
  sqlite3_result_int64(context, what.bytes == 0 ? 1 : PlaceInText(text.view(), what.view()));
}

// What lies between the places where `what` is, the end last.
template <typename Use>
void ForEachPiece(std::string_view text, std::string_view what, const Use& use) {
  for (size_t at = 0; (at = Find(text, what)) != std::string_view::npos;) {
    use(text.substr(0, at), false);
    text.remove_prefix(at + what.size());
  }
  use(text, true);
}

void Replace(sqlite3_context* context, int, sqlite3_value** arguments) {
  const Text text(arguments[0]);
  const Text what(arguments[1]);
  if (text.is_null() || what.is_null()) return;
  if (what.until_nul().empty()) return sqlite3_result_value(context, arguments[0]);
  const Text with(arguments[2]);
  if (with.is_null()) return;
  size_t count = 0;
  ForEachPiece(text.view(), what.view(),
               [&](std::string_view, bool is_last) { count += !is_last; });
  const size_t size = text.bytes - count * what.bytes + count * with.bytes;
  const int limit = sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1);
  if (size > static_cast<size_t>(limit)) return sqlite3_result_error_toobig(context);
  // Of the right size at once: a string that grows is copied again and again near the limit.
  auto* const made = static_cast<char*>(sqlite3_malloc64(size + 1));
  if (made == nullptr) return sqlite3_result_error_nomem(context);
  char* end = made;
  ForEachPiece(text.view(), what.view(), [&](std::string_view piece, bool is_last) {
    end = std::copy(piece.begin(), piece.end(), end);
    if (!is_last) end = std::copy_n(with.data, with.bytes, end);
  });
  *end = '\0';
  sqlite3_result_text64(context, made, size, sqlite3_free, SQLITE_UTF8);
}

enum Side : unsigned { kLeft = 1, kRight = 2 };

// In their order, each once. Empty if they are too many.
std::optional<std::vector<std::string_view>> CharactersOf(std::string_view text) {
  std::vector<std::string_view> characters;
  std::set<std::string_view> known;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    (void)NextCharacter(text, at);
    const std::string_view character = text.substr(begin, at - begin);
    if (known.insert(character).second) characters.push_back(character);
    if (characters.size() > kMostTrimmed) return std::nullopt;
  }
  return characters;
}

// False: it was told to stop.
bool Trim(unsigned sides, const std::vector<std::string_view>& characters,
          const MustStop& must_stop, std::string_view& text) {
  size_t compared = 0;
  const auto cut = [&](bool is_left) {
    const auto found = std::find_if(characters.begin(), characters.end(), [&](auto character) {
      return is_left ? text.starts_with(character) : text.ends_with(character);
    });
    if (found == characters.end()) return false;
    is_left ? text.remove_prefix(found->size()) : text.remove_suffix(found->size());
    return true;
  };
  for (const bool is_left : {true, false}) {
    if ((sides & (is_left ? kLeft : kRight)) == 0) continue;
    while (!text.empty() && cut(is_left)) {
      compared += characters.size();
      if (compared < kBytesPerQuestion) continue;
      compared = 0;
      if (must_stop()) return false;
    }
  }
  return true;
}

template <unsigned kSides>
void TrimFunction(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const Text text(arguments[0]);
  if (text.is_null()) return;
  std::optional<std::vector<std::string_view>> characters({" "});
  if (count == 2) {
    const Text set(arguments[1]);
    if (set.is_null()) return;
    characters = CharactersOf(set.until_nul());
  }
  if (!characters) {
    return sqlite3_result_error(context, "trim with more than 1000 different characters", -1);
  }
  std::string_view rest = text.view();
  if (!Trim(kSides, *characters, StopOf(context), rest)) return Interrupt(context);
  sqlite3_result_text64(context, rest.data(), rest.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

// How this SQLite was built.
bool BlobsNeverMatch() {
  static const bool never = sqlite3_compileoption_used("LIKE_DOESNT_MATCH_BLOBS") != 0;
  return never;
}

// `x LIKE y ESCAPE z` is like(y, x, z).
template <TextPattern::Kind kKind>
void Like(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const auto is_blob = [](sqlite3_value* value) {
    return sqlite3_value_type(value) == SQLITE_BLOB;
  };
  if (BlobsNeverMatch() && (is_blob(arguments[0]) || is_blob(arguments[1]))) {
    return sqlite3_result_int(context, 0);
  }
  const Text pattern(arguments[0]);
  if (pattern.bytes > kMostPatternBytes) {
    return sqlite3_result_error(context, "LIKE or GLOB pattern too complex", -1);
  }
  uint32_t escape = 0;
  if (count == 3) {
    const Text given(arguments[2]);
    if (given.is_null()) return;
    const std::string_view text = given.until_nul();
    size_t end = 0;
    if (!text.empty()) escape = NextCharacter(text, end);
    if (text.empty() || end != text.size()) {
      return sqlite3_result_error(context, "ESCAPE expression must be a single character", -1);
    }
  }
  const Text text(arguments[1]);
  if (pattern.is_null() || text.is_null()) return;
  const auto matches =
      TextPattern(kKind, pattern.until_nul(), escape).Matches(text.until_nul(), StopOf(context));
  if (!matches) return Interrupt(context);
  sqlite3_result_int(context, *matches ? 1 : 0);
}

struct Function {
  const char* name;
  int arguments;
  void (*call)(sqlite3_context*, int, sqlite3_value**);
};

constexpr Function kFunctions[] = {
    {"instr", 2, Instr},
    {"replace", 3, Replace},
    {"trim", 1, TrimFunction<kLeft | kRight>},
    {"trim", 2, TrimFunction<kLeft | kRight>},
    {"ltrim", 1, TrimFunction<kLeft>},
    {"ltrim", 2, TrimFunction<kLeft>},
    {"rtrim", 1, TrimFunction<kRight>},
    {"rtrim", 2, TrimFunction<kRight>},
    {"like", 2, Like<TextPattern::Kind::kLike>},
    {"like", 3, Like<TextPattern::Kind::kLike>},
    {"glob", 2, Like<TextPattern::Kind::kGlob>},
};

}  // namespace

absl::Status ReplaceTextFunctions(sqlite3* database, const MustStop& must_stop) {
  for (const Function& function : kFunctions) {
    const int code = sqlite3_create_function_v2(
        database, function.name, function.arguments,
        SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, const_cast<MustStop*>(&must_stop),
        function.call, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return SqliteError(database, code);
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::store
