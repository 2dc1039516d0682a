// SPDX-License-Identifier: Apache-2.0
#include "annotation/other_files.h"

#include <algorithm>
#include <array>

namespace bowerbird::annotation {
namespace {

constexpr size_t kHeadBytes = 16;

struct Beginning {
  std::string_view bytes;
  size_t at;
  std::string_view kind;
  std::string_view ending;  // of the names of those that are read
};
// How files of pictures begin, as the documents of the formats have it.
constexpr std::array<Beginning, 9> kBeginnings{{
    {"\xFF\xD8\xFF", 0, "JPEG", ".jpg"},
    {"\x89PNG\r\n\x1A\n", 0, "PNG", ".png"},
    {"BM", 0, "BMP", ".bmp"},
    {"GIF8", 0, "GIF", ""},
    {"WEBP", 8, "WebP", ""},
    {std::string_view("II*\0", 4), 0, "TIFF", ""},
    {std::string_view("MM\0*", 4), 0, "TIFF", ""},
    {"ftyphei", 4, "HEIF", ""},
    {"ftypavif", 4, "AVIF", ""},
}};

const Beginning* BeginningOf(const Folder& folder, const std::string& path) {
  const auto file = folder.Open(path);
  if (!file.ok()) return nullptr;
  std::array<char, kHeadBytes> buffer{};
  const auto count = (*file)->ReadAt(0, buffer);
  const std::string_view head(buffer.data(), count.value_or(0));
  const auto found = std::find_if(kBeginnings.begin(), kBeginnings.end(), [&](const auto& one) {
    return head.size() > one.at && head.substr(one.at).starts_with(one.bytes);
  });
  if (found == kBeginnings.end()) return nullptr;
  // Two letters are no evidence where the name says that it is something else.
  return found->bytes == "BM" && !ExtensionOf(path).empty() ? nullptr : found;
}

}  // namespace

bool MayHoldAnnotations(std::string_view path) {
  constexpr std::array<std::string_view, 9> kEndings{".json", ".jsonl", ".ndjson", ".xml", ".csv",
                                                     ".tsv",  ".txt",   ".yaml",   ".yml"};
  return std::find(kEndings.begin(), kEndings.end(), Lower(ExtensionOf(path))) != kEndings.end();
}

std::optional<Problem> ProblemOfOther(const Folder& folder, const std::string& path) {
  if (MayHoldAnnotations(path)) return std::nullopt;
  const Beginning* const found = BeginningOf(folder, path);
  if (found == nullptr) return Problem{Problem::Kind::kFileNotUsed, path, "", "it is no picture"};
  std::string what = "it is a " + std::string(found->kind);
  what += found->ending.empty()
              ? ", which is not read: convert it to JPEG or PNG"
              : " by its content: let its name end in " + std::string(found->ending);
  return Problem{Problem::Kind::kFileSkipped, path, "", std::move(what)};
}

}  // namespace bowerbird::annotation
