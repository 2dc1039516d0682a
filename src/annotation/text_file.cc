// SPDX-License-Identifier: Apache-2.0
#include "annotation/text_file.h"

#include <algorithm>

#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

TextFile::TextFile(std::unique_ptr<ReadableFile> file)
    : file_(std::move(file)), buffer_(kBufferBytes) {}

absl::Status TextFile::Fill() {
  const bool first = offset_ == 0;
  ASSIGN_OR_RETURN(end_, file_->ReadAt(offset_, buffer_));
  begin_ = 0;
  offset_ += end_;
  if (first && std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> TextFile::Peek() {
  if (begin_ == end_) RETURN_IF_ERROR(Fill());
  return std::string_view(buffer_.data() + begin_, end_ - begin_);
}

absl::StatusOr<int> TextFile::TakeByte() {
  if (begin_ == end_) {
    RETURN_IF_ERROR(Fill());
    if (begin_ == end_) return -1;
  }
  return static_cast<unsigned char>(buffer_[begin_++]);
}

absl::StatusOr<std::optional<std::string_view>> TextFile::Line() {
  line_.clear();
  bool any = false;
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view bytes, Peek());
    if (bytes.empty()) {
      if (!any) return std::nullopt;
      break;
    }
    any = true;
    const size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > kMaxLineBytes) {
      return ResourceExhausted("a line has more than " + std::to_string(kMaxLineBytes) +
                               " bytes: this is no file of lines");
    }
    Take(std::min(end, bytes.size() - 1) + 1);
    if (end != std::string_view::npos) break;
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return std::string_view(line_);
}

CsvFile::CsvFile(std::unique_ptr<ReadableFile> file) : text_(std::move(file)) {}

absl::Status CsvFile::FindSeparator() {
  ASSIGN_OR_RETURN(std::string_view head, text_.Peek());
  head = head.substr(0, head.find('\n'));
  separator_ = ',';
  for (const char candidate : {';', '\t'}) {
    if (std::count(head.begin(), head.end(), candidate) >
        std::count(head.begin(), head.end(), separator_)) {
      separator_ = candidate;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvFile::Next(Row& row) {
  if (separator_ == 0) RETURN_IF_ERROR(FindSeparator());
  while (true) {
    ASSIGN_OR_RETURN(const bool more, ReadRow(row));
    if (!more) return false;
    if (row.fields.size() > 1 || !row.fields[0].empty()) return true;
  }
}

absl::StatusOr<bool> CsvFile::ReadRow(Row& row) {
  row.fields.assign(1, "");
  row.line = line_;
  bool quoted = false, any = false;
  size_t bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const int byte, text_.TakeByte());
    if (byte < 0) {
      if (quoted) {
        return InvalidArgument("line " + std::to_string(row.line) +
                               ": a quote is never closed: close it");
      }
      return any;
    }
    any = true;
    if (++bytes > kMaxRowBytes) {
      return ResourceExhausted("line " + std::to_string(row.line) +
                               ": a row has more than 1 MiB: is a quote not closed?");
    }
    const char c = static_cast<char>(byte);
    std::string& field = row.fields.back();
    if (c == '\n') ++line_;
    if (quoted) {
      if (c != '"') {
        field += c;
        continue;
      }
      ASSIGN_OR_RETURN(const std::string_view next, text_.Peek());
      if (next.starts_with('"')) {
        field += '"';
        text_.Take(1);
      } else {
        quoted = false;
      }
    } else if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == separator_) {
      row.fields.emplace_back();
    } else if (c == '\n') {
      if (!field.empty() && field.back() == '\r') field.pop_back();
      return true;
    } else {
      field += c;
    }
  }
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of("\",;\t\r\n") == std::string_view::npos && !text.starts_with(' ') &&
      !text.ends_with(' ')) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

}  // namespace bowerbird::annotation
