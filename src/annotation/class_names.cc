// SPDX-License-Identifier: Apache-2.0
#include "annotation/class_names.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "annotation/json_elements.h"
#include "annotation/numbers.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr uint64_t kMaxNamesBytes = uint64_t{16} << 20;

// "a", 'a', a # comment
std::string Scalar(std::string_view text) {
  text = Trimmed(text);
  if (text.starts_with('"')) {
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        const Json parsed = Json::parse(text.substr(0, i + 1), nullptr, false);
        if (parsed.is_string()) return parsed.get<std::string>();
        break;
      }
    }
  }
  if (text.starts_with('\'')) {
    std::string value;
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\'' && (i + 1 == text.size() || text[i + 1] != '\'')) return value;
      if (text[i] == '\'') ++i;
      value += text[i];
    }
  }
  const size_t comment = text.find(" #");
  return std::string(Trimmed(text.substr(0, comment)));
}

// Splits "a, 'b, c', d" at the commas outside of quotes.
std::vector<std::string> FlowItems(std::string_view text) {
  std::vector<std::string> items;
  char quote = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (quote == 0 && text[i] == ',')) {
      const std::string_view item = Trimmed(text.substr(begin, i - begin));
      if (!item.empty()) items.push_back(Scalar(item));
      begin = i + 1;
    } else if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if ((text[i] == '"' || text[i] == '\'') &&
               Trimmed(text.substr(begin, i - begin)).empty()) {
      quote = text[i];
    }
  }
  return items;
}

// "- name" or "3: name": the place it belongs to and the name.
std::optional<std::pair<size_t, std::string>> BlockItem(std::string_view line, size_t next) {
  line = Trimmed(line);
  if (line.starts_with("- ")) return std::pair(next, Scalar(line.substr(2)));
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = ParseWhole(line.substr(0, colon));
  if (!number.has_value() || *number >= static_cast<int64_t>(kMaxClasses)) return std::nullopt;
  return std::pair(static_cast<size_t>(*number), Scalar(line.substr(colon + 1)));
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> NamesOfLines(std::string_view text) {
  const auto lines = LinesOf(text);
  std::vector<std::string> names;
  names.reserve(lines.size());
  for (const std::string_view line : lines) names.emplace_back(Trimmed(line));
  while (!names.empty() && names.back().empty()) names.pop_back();
  if (names.size() > kMaxClasses) return ResourceExhausted("more than 100000 names of classes");
  return names;
}

absl::StatusOr<std::vector<std::string>> NamesOfYaml(std::string_view text) {
  const auto lines = LinesOf(text);
  size_t at = 0;
  while (at < lines.size() && !lines[at].starts_with("names:")) ++at;
  if (at == lines.size()) return NotFound("there is no member \"names\"");
  std::string_view rest = Trimmed(lines[at].substr(6));
  if (rest.starts_with('[')) {
    std::string flow(rest.substr(1));
    while (flow.find(']') == std::string::npos && ++at < lines.size() &&
           flow.size() < kMaxNamesBytes) {
      flow.append(" ").append(lines[at]);
    }
    return FlowItems(std::string_view(flow).substr(0, flow.rfind(']')));
  }
  std::vector<std::string> names;
  for (++at; at < lines.size(); ++at) {
    const std::string_view line = Trimmed(lines[at]);
    if (line.empty() || line.starts_with('#')) continue;
    const bool inside = lines[at].front() == ' ' || lines[at].front() == '-';
    auto item = inside ? BlockItem(lines[at], names.size()) : std::nullopt;
    if (!item.has_value()) break;
    if (names.size() <= item->first) names.resize(item->first + 1);
    names[item->first] = std::move(item->second);
    if (names.size() > kMaxClasses) return ResourceExhausted("more than 100000 names of classes");
  }
  if (names.empty()) return NotFound("the member \"names\" has no names");
  return names;
}

absl::StatusOr<std::vector<std::string>> FindClassNames(const Folder& folder) {
  ASSIGN_OR_RETURN(const auto top, folder.List(""));
  std::vector<std::string> directories{""};
  for (const std::string& name : top) {
    if (directories.size() < 100 && folder.HasDirectory(name)) directories.push_back(name);
  }
  bool has_none = false;
  for (const std::string& directory : directories) {
    const auto names = folder.List(directory);
    if (!names.ok()) continue;
    for (const char* extension : {".yaml", ".yml", ".names", "classes.txt"}) {
      for (const std::string& name : *names) {
        if (!name.ends_with(extension)) continue;
        ASSIGN_OR_RETURN(const std::string text,
                         folder.Read(JoinPath(directory, name), kMaxNamesBytes));
        auto found = extension[1] == 'y' ? NamesOfYaml(text) : NamesOfLines(text);
        if (found.ok() && !found->empty()) return found;
        has_none = has_none || (found.ok() && extension[1] == 'y');
      }
    }
  }
  if (has_none) return std::vector<std::string>();
  return NotFound(
      "there are no names of classes: add a data.yaml with \"names\", obj.names or classes.txt "
      "with "
      "one name a line");
}

}  // namespace bowerbird::annotation
