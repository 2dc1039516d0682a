// SPDX-License-Identifier: Apache-2.0
#include "infer/labels.h"

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/status.h"

namespace bowerbird::infer {
namespace {

constexpr size_t kMaxLabelFileBytes = size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kWhitespace = " \t\r\v\f";

std::vector<std::string> Split(std::string_view line, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t end; (end = line.find(separator, start)) != std::string_view::npos; start = end + 1) {
    parts.emplace_back(line.substr(start, end - start));
  }
  parts.emplace_back(line.substr(start));
  return parts;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseLabels(std::string_view text) {
  if (text.size() > kMaxLabelFileBytes) {
    return InvalidArgument("a label file of " + std::to_string(text.size()) +
                           " bytes; at most 1 MiB is read. Is it the right file?");
  }
  if (text.find('\0') != std::string_view::npos) {
    return InvalidArgument("the label file holds NUL bytes; labels are lines of UTF-8 text");
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> labels;
  for (std::string& line : Split(text, '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(kWhitespace) != std::string::npos) labels.push_back(std::move(line));
  }
  if (labels.size() != 1) return labels;
  std::vector<std::string> parts = Split(labels[0], ',');
  if (parts.size() == 1) parts = Split(labels[0], ' ');
  return parts;
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return ErrnoStatus(errno, "open label file " + path);
  std::string text(kMaxLabelFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Annotate(InvalidArgument("cannot be read"), path);
  text.resize(static_cast<size_t>(file.gcount()));
  absl::StatusOr<std::vector<std::string>> labels = ParseLabels(text);
  if (!labels.ok()) return Annotate(labels.status(), path);
  return labels;
}

}  // namespace bowerbird::infer
