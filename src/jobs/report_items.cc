// SPDX-License-Identifier: Apache-2.0
#include "jobs/report_items.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

using nlohmann::ordered_json;

constexpr size_t kPiece = size_t{256} << 10;
constexpr size_t kHexOfSha256 = 64;
constexpr size_t kFolderName = 3;  // "ab/"

std::string TextIn(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Ids by content, of the contents that `ids` has.
absl::Status FindIds(FileSystem& files, const std::string& items_path,
                     std::map<std::string, std::string>& ids) {
  ASSIGN_OR_RETURN(const auto file, files.OpenForReading(items_path));
  std::string piece, line;
  for (uint64_t offset = 0;; offset += piece.size()) {
    piece.resize(kPiece);
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, piece));
    if (count == 0) return absl::OkStatus();
    piece.resize(count);
    for (const char c : piece) {
      if (c != '\n') {
        line += c;
        continue;
      }
      const auto item = ordered_json::parse(std::exchange(line, {}), nullptr, false);
      if (!item.is_object()) continue;
      const auto wanted = ids.find(TextIn(item, "sha256"));
      if (wanted != ids.end() && wanted->second.empty()) wanted->second = TextIn(item, "id");
    }
  }
}

// "ab/abcd...": the content is the last part.
std::string ContentOf(const ordered_json& mistake) {
  const std::string path = mistake.is_object() ? TextIn(mistake, "picture") : "";
  return path.substr(path.rfind('/') + 1);
}

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The content of the file that is named at `at`; "" if none is.
std::string ContentAt(std::string_view text, size_t at) {
  const std::string_view name = text.substr(at, kFolderName + kHexOfSha256);
  if (name.size() != kFolderName + kHexOfSha256 || name[2] != '/') return "";
  const std::string_view content = name.substr(kFolderName);
  if (!std::ranges::all_of(content, IsHex) || content.substr(0, 2) != name.substr(0, 2)) return "";
  return std::string(content);
}

}  // namespace

absl::StatusOr<std::string> WithItems(FileSystem& files, const std::string& report,
                                      const std::string& items_path) {
  auto read = ordered_json::parse(report, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object() || !read.contains("mistakes") || !read["mistakes"].is_array())
    return report;
  std::map<std::string, std::string> ids;
  for (const ordered_json& mistake : read["mistakes"]) ids[ContentOf(mistake)];
  RETURN_IF_ERROR(FindIds(files, items_path, ids));
  for (ordered_json& mistake : read["mistakes"]) {
    const std::string& id = ids[ContentOf(mistake)];
    if (!id.empty()) mistake["item"] = id;
  }
  return read.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

absl::StatusOr<std::string> TextWithItems(FileSystem& files, const std::string& text,
                                          const std::string& items_path) {
  std::map<size_t, std::string> found;  // content by place
  std::map<std::string, std::string> ids;
  for (size_t slash = text.find('/'); slash != std::string::npos;
       slash = text.find('/', slash + 1)) {
    if (slash < 2) continue;
    std::string content = ContentAt(text, slash - 2);
    if (content.empty()) continue;
    ids[content];
    found[slash - 2] = std::move(content);
  }
  if (found.empty()) return text;
  RETURN_IF_ERROR(FindIds(files, items_path, ids));
  std::string named;
  size_t end = 0;
  for (const auto& [place, content] : found) {
    const std::string& id = ids[content];
    if (id.empty()) continue;
    named += text.substr(end, place - end) + id;
    end = place + kFolderName + kHexOfSha256;
  }
  return named + text.substr(end);
}

}  // namespace bowerbird::jobs
