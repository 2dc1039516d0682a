// SPDX-License-Identifier: Apache-2.0
#include "store/user_query_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>

#include "base/status.h"

namespace bowerbird::store {
namespace {

constexpr std::array kFunctions = {std::string_view("abs"),
                                   std::string_view("array_agg"),
                                   std::string_view("array_length"),
                                   std::string_view("avg"),
                                   std::string_view("bool_and"),
                                   std::string_view("bool_or"),
                                   std::string_view("cast"),
                                   std::string_view("ceil"),
                                   std::string_view("ceiling"),
                                   std::string_view("coalesce"),
                                   std::string_view("concat"),
                                   std::string_view("corr"),
                                   std::string_view("count"),
                                   std::string_view("cume_dist"),
                                   std::string_view("date"),
                                   std::string_view("date_part"),
                                   std::string_view("date_trunc"),
                                   std::string_view("datetime"),
                                   std::string_view("dense_rank"),
                                   std::string_view("exp"),
                                   std::string_view("extract"),
                                   std::string_view("first_value"),
                                   std::string_view("floor"),
                                   std::string_view("greatest"),
                                   std::string_view("group_concat"),
                                   std::string_view("hex"),
                                   std::string_view("iif"),
                                   std::string_view("ifnull"),
                                   std::string_view("instr"),
                                   std::string_view("json"),
                                   std::string_view("json_array_length"),
                                   std::string_view("json_each"),
                                   std::string_view("json_extract"),
                                   std::string_view("json_group_array"),
                                   std::string_view("json_group_object"),
                                   std::string_view("json_tree"),
                                   std::string_view("json_type"),
                                   std::string_view("json_valid"),
                                   std::string_view("jsonb_array_elements"),
                                   std::string_view("jsonb_array_elements_text"),
                                   std::string_view("jsonb_array_length"),
                                   std::string_view("jsonb_each"),
                                   std::string_view("jsonb_each_text"),
                                   std::string_view("jsonb_extract_path"),
                                   std::string_view("jsonb_extract_path_text"),
                                   std::string_view("jsonb_object_keys"),
                                   std::string_view("jsonb_typeof"),
                                   std::string_view("julianday"),
                                   std::string_view("lag"),
                                   std::string_view("last_value"),
                                   std::string_view("lead"),
                                   std::string_view("least"),
                                   std::string_view("length"),
                                   std::string_view("like"),
                                   std::string_view("ln"),
                                   std::string_view("log"),
                                   std::string_view("log10"),
                                   std::string_view("lower"),
                                   std::string_view("ltrim"),
                                   std::string_view("max"),
                                   std::string_view("min"),
                                   std::string_view("mod"),
                                   std::string_view("now"),
                                   std::string_view("nth_value"),
                                   std::string_view("ntile"),
                                   std::string_view("nullif"),
                                   std::string_view("percent_rank"),
                                   std::string_view("percentile_cont"),
                                   std::string_view("percentile_disc"),
                                   std::string_view("pow"),
                                   std::string_view("power"),
                                   std::string_view("rank"),
                                   std::string_view("replace"),
                                   std::string_view("round"),
                                   std::string_view("row_number"),
                                   std::string_view("rtrim"),
                                   std::string_view("sign"),
                                   std::string_view("sqrt"),
                                   std::string_view("stddev"),
                                   std::string_view("stddev_pop"),
                                   std::string_view("stddev_samp"),
                                   std::string_view("strftime"),
                                   std::string_view("string_agg"),
                                   std::string_view("strpos"),
                                   std::string_view("substr"),
                                   std::string_view("substring"),
                                   std::string_view("sum"),
                                   std::string_view("time"),
                                   std::string_view("to_char"),
                                   std::string_view("to_timestamp"),
                                   std::string_view("total"),
                                   std::string_view("trim"),
                                   std::string_view("trunc"),
                                   std::string_view("typeof"),
                                   std::string_view("unixepoch"),
                                   std::string_view("upper"),
                                   std::string_view("var_pop"),
                                   std::string_view("var_samp"),
                                   std::string_view("variance")};

// Words before a parenthesis that call nothing.
constexpr std::array kWords = {
    std::string_view("all"),       std::string_view("and"),       std::string_view("any"),
    std::string_view("as"),        std::string_view("between"),   std::string_view("by"),
    std::string_view("case"),      std::string_view("char"),      std::string_view("decimal"),
    std::string_view("distinct"),  std::string_view("else"),      std::string_view("except"),
    std::string_view("exists"),    std::string_view("filter"),    std::string_view("from"),
    std::string_view("group"),     std::string_view("having"),    std::string_view("in"),
    std::string_view("intersect"), std::string_view("interval"),  std::string_view("join"),
    std::string_view("lateral"),   std::string_view("limit"),     std::string_view("materialized"),
    std::string_view("not"),       std::string_view("numeric"),   std::string_view("offset"),
    std::string_view("on"),        std::string_view("or"),        std::string_view("order"),
    std::string_view("over"),      std::string_view("select"),    std::string_view("some"),
    std::string_view("then"),      std::string_view("timestamp"), std::string_view("union"),
    std::string_view("using"),     std::string_view("values"),    std::string_view("varchar"),
    std::string_view("when"),      std::string_view("where"),     std::string_view("with"),
    std::string_view("within")};

bool IsWordLetter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' ||
         static_cast<unsigned char>(letter) >= 0x80;
}

struct Token {
  enum class Kind { kWord, kQuotedName, kOpen, kSemicolon, kOther, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  // of words, in lower case
};

class Lexer {
 public:
  explicit Lexer(std::string_view sql) : rest_(sql) {}

  // nullopt: a quote or comment has no end, or one that cannot be told.
  std::optional<Token> Next() {
    if (!SkipBlanks()) return std::nullopt;
    if (rest_.empty()) return Token{};
    const char first = rest_.front();
    if (first == '\'') return Quoted('\'', Token::Kind::kOther);
    if (first == '"') return Quoted('"', Token::Kind::kQuotedName);
    if (first == '$') return DollarQuoted();
    if (IsWordLetter(first)) return Word();
    rest_.remove_prefix(1);
    if (first == '(') return Token{.kind = Token::Kind::kOpen, .text = ""};
    if (first == ';') return Token{.kind = Token::Kind::kSemicolon, .text = ""};
    return Token{.kind = Token::Kind::kOther, .text = ""};
  }

 private:
  bool SkipBlanks() {
    while (!rest_.empty()) {
      if (std::isspace(static_cast<unsigned char>(rest_.front())) != 0) {
        rest_.remove_prefix(1);
      } else if (rest_.starts_with("--")) {
        // Both end a comment in PostgreSQL.
        rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
      } else if (rest_.starts_with("/*")) {
        if (!SkipComment()) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  // PostgreSQL's comments nest.
  bool SkipComment() {
    int depth = 0;
    while (!rest_.empty()) {
      if (rest_.starts_with("/*")) {
        ++depth;
        rest_.remove_prefix(2);
      } else if (rest_.starts_with("*/")) {
        rest_.remove_prefix(2);
        if (--depth == 0) return true;
      } else {
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  // A doubled quote is one of the text: here simply the begin of another quoted piece.
  std::optional<Token> Quoted(char quote, Token::Kind kind) {
    const size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    Token token{.kind = kind, .text = std::string(rest_.substr(1, end - 1))};
    rest_.remove_prefix(end + 1);
    return token;
  }

  std::optional<Token> DollarQuoted() {
    const size_t tag_end = rest_.find('$', 1);
    // A digit after the dollar makes it a parameter.
    const bool is_tag = tag_end != std::string_view::npos &&
                        std::isdigit(static_cast<unsigned char>(rest_[1])) == 0 &&
                        std::all_of(rest_.begin() + 1,
                                    rest_.begin() + static_cast<ptrdiff_t>(tag_end), IsWordLetter);
    if (!is_tag) {
      rest_.remove_prefix(1);
      return Token{.kind = Token::Kind::kOther, .text = ""};
    }
    const std::string_view tag = rest_.substr(0, tag_end + 1);
    const size_t end = rest_.find(tag, tag.size());
    if (end == std::string_view::npos) return std::nullopt;
    rest_.remove_prefix(end + tag.size());
    return Token{.kind = Token::Kind::kOther, .text = ""};
  }

  std::optional<Token> Word() {
    Token token{.kind = Token::Kind::kWord, .text = ""};
    // '$' may stand inside a name, and must not begin a quote there; after a number it does.
    const bool is_number = std::isdigit(static_cast<unsigned char>(rest_.front())) != 0;
    while (!rest_.empty() &&
           (IsWordLetter(rest_.front()) || (rest_.front() == '$' && !is_number))) {
      token.text += static_cast<char>(std::tolower(static_cast<unsigned char>(rest_.front())));
      rest_.remove_prefix(1);
    }
    // In E'…' a backslash can hide the end of the text, in U&"…" the name itself. Some versions see
    // the E also in 1E'…'.
    const bool may_escape = token.text == "e" || (is_number && token.text.back() == 'e');
    if (may_escape && rest_.starts_with("'")) return std::nullopt;
    if (token.text == "u" && (rest_.starts_with("&'") || rest_.starts_with("&\""))) {
      return std::nullopt;
    }
    return token;
  }

  std::string_view rest_;
};

// The catalogs, which every role may read: what other tables, users and queries there are.
absl::Status CheckName(const Token& token) {
  if (token.kind != Token::Kind::kWord && token.kind != Token::Kind::kQuotedName) {
    return absl::OkStatus();
  }
  if (!token.text.starts_with("pg_") && token.text != "information_schema") {
    return absl::OkStatus();
  }
  const std::string message =
      "the query may not use " + token.text + ": only the table readings can be read";
  return absl::PermissionDeniedError(ToAbsl(message));
}

absl::Status CheckCall(const Token& before) {
  const bool is_name = before.kind == Token::Kind::kQuotedName ||
                       (before.kind == Token::Kind::kWord &&
                        std::find(kWords.begin(), kWords.end(), before.text) == kWords.end());
  if (!is_name || (before.kind == Token::Kind::kWord && IsAllowedFunction(before.text))) {
    return absl::OkStatus();
  }
  const std::string message = "the query calls " + before.text + "(), which is not allowed";
  return absl::PermissionDeniedError(ToAbsl(message));
}

}  // namespace

bool IsAllowedFunction(std::string_view name) {
  return std::binary_search(kFunctions.begin(), kFunctions.end(), name);
}

absl::Status CheckUserStatement(std::string_view sql) {
  Lexer lexer(sql);
  Token before;
  bool ended = false;
  for (bool first = true;; first = false) {
    std::optional<Token> token = lexer.Next();
    if (!token)
      return InvalidArgument(
          "the query has a quote or comment without an end, or a text with escapes (E'…', U&'…')");
    if (token->kind == Token::Kind::kEnd) {
      return first ? InvalidArgument("the query is empty") : absl::OkStatus();
    }
    if (ended) return InvalidArgument("only one statement is allowed");
    if (first && token->text != "select" && token->text != "with") {
      return InvalidArgument("only SELECT statements are allowed");
    }
    if (token->kind == Token::Kind::kSemicolon) ended = true;
    RETURN_IF_ERROR(CheckName(*token));
    if (token->kind == Token::Kind::kOpen) RETURN_IF_ERROR(CheckCall(before));
    before = *std::move(token);
  }
}

}  // namespace bowerbird::store
