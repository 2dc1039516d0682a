// SPDX-License-Identifier: Apache-2.0
//
// The rules for a user's SQL. Any text: an answer, and the same one again. Then statements that are
// built from pieces as PostgreSQL reads them (texts, names, comments, dollar quotes, each whole):
// with a call that is not allowed among them they are refused, without one they pass.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "store/user_query_rules.h"

namespace bowerbird::store {
namespace {

// Takes bytes off the front; zeros once the input is used up.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  // Of those letters only, so that a piece stays whole.
  std::string Of(std::string_view letters) {
    std::string text(Byte() % 12, ' ');
    for (char& letter : text) letter = letters[Byte() % letters.size()];
    return text;
  }
  bool IsEmpty() const { return size_ == 0; }

 private:
  const uint8_t* data_;
  size_t size_;
};

std::string Blank(Source& source) {
  switch (source.Byte() % 6) {
    case 0:
      return "/*" + source.Of("(;'\"$-aE \n\r") + "*/";
    case 1:
      return "/* /*" + source.Of("'\"$a(") + "*/ ' */";
    case 2:
      return "--" + source.Of("(;'\"$-aE/* ") + "\n";
    case 3:
      return "--" + source.Of("(;'\"$-aE/* ") + "\r";
    case 4:
      return "\t";
    default:
      return " ";
  }
}

// An expression that calls nothing.
std::string Harmless(Source& source) {
  switch (source.Byte() % 7) {
    case 0:
      return "'" + source.Of("(;\"$-aE\\/* \n") + "'";
    case 1:
      return "'" + source.Of("a(") + "''" + source.Of("\\$;") + "'";
    case 2:
      return "$$" + source.Of("(;'\"-aE/* ") + "$$";
    case 3:
      return "$a1$" + source.Of("(;'\"$-E/* ") + "$$ $a$ $a1$";
    case 4:
      return "r.\"" + source.Of("(;'$-aE/* ") + "x\"";
    case 5:
      return "ab$" + source.Of("ab$1") + "c";
    default:
      return "(" + std::to_string(source.Byte()) + "+coalesce(a, 2))";
  }
}

void Expect(bool holds) {
  if (!holds) std::abort();
}

void CheckBuilt(Source& source) {
  static constexpr const char* kForbidden[] = {"pg_sleep", "set_config",   "\"lo_import\"",
                                               "x.dblink", "PG_Read_File", "nextval"};
  std::string harmless = "SELECT";
  std::string evil = harmless;
  const auto append = [&](const std::string& piece) {
    harmless += piece;
    evil += piece;
  };
  const int before = source.Byte() % 5;
  for (int piece = 0; piece < before; ++piece) {
    append(Blank(source) + Harmless(source) + Blank(source) + ",");
  }
  evil +=
      Blank(source) + kForbidden[source.Byte() % std::size(kForbidden)] + Blank(source) + "(1),";
  while (!source.IsEmpty()) append(Blank(source) + Harmless(source) + Blank(source) + ",");
  append(" 1");
  const absl::Status passes = CheckUserStatement(harmless);
  Expect(passes.ok());
  Expect(CheckUserStatement(evil).code() == absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace bowerbird::store

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::store;  // NOLINT: one function
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Expect(CheckUserStatement(text) == CheckUserStatement(text));
  Source source(data, size);
  CheckBuilt(source);
  return 0;
}
