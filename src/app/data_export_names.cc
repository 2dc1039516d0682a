// SPDX-License-Identifier: Apache-2.0
#include "app/data_export_names.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "annotation/folder.h"

namespace bowerbird::app {
namespace {

constexpr size_t kLongestPart = 200;   // of the 255 bytes that file systems take
constexpr size_t kLongestName = 1000;  // of 4096, with the folder that it goes into

bool IsPart(const std::filesystem::path& part) {
  const std::string text = part.string();
  return text.size() <= kLongestPart && text != "." && text != ".." && !text.empty() &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

bool IsSafe(std::string_view name) {
  if (name.size() > kLongestName || !annotation::SafePath(name).ok()) return false;
  // Another way to write a path, which another file may have.
  if (name.find("//") != std::string_view::npos) return false;
  const std::filesystem::path path(name);
  return std::all_of(path.begin(), path.end(), IsPart);
}

bool IsExtension(std::string_view text) {
  return text.empty() || (text.front() == '.' && IsSafe(text.substr(1)));
}

}  // namespace

std::string ExportNames::NameOf(const ExportedFile& file) {
  // "loc/ab12" of "org/loc/ab12" would be a folder: the last part alone is unique.
  const std::string id(file.id.substr(file.id.rfind('/') + 1));
  const bool is_safe = IsSafe(file.name);
  std::filesystem::path name(is_safe ? std::string(file.name) : id);
  if (!name.has_extension() && IsExtension(file.extension)) name += file.extension;
  // Several machines may each have sent an "a.jpg".
  while (!used_.insert(std::hash<std::string>()(name.generic_string())).second) {
    const std::string stem = name.stem().string();
    name.replace_filename(stem + "-" + id + name.extension().string());
  }
  return name.generic_string();
}

}  // namespace bowerbird::app
