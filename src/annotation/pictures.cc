// SPDX-License-Identifier: Apache-2.0
#include "annotation/pictures.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/status.h"
#include "image/codec.h"

namespace bowerbird::annotation {
namespace {

constexpr std::array<std::string_view, 6> kPictureFolders{"images", "JPEGImages", "data",
                                                          "Images", "Data",       "img"};
constexpr std::array<std::string_view, 6> kAnnotationFolders{
    "annotations", "labels", "xml", "xmls", "obj_train_data", "metadata"};
constexpr std::array<std::string_view, 8> kExtensions{".jpg", ".jpeg", ".png", ".JPG",
                                                      ".bmp", ".JPEG", ".PNG", ".BMP"};
constexpr size_t kHeadBytes = size_t{64} << 10;
constexpr uint64_t kMaxPictureBytes = uint64_t{256} << 20;

bool IsAnnotationFolder(std::string_view name) {
  const std::string lower = Lower(name);
  return std::find(kAnnotationFolders.begin(), kAnnotationFolders.end(), lower) !=
         kAnnotationFolders.end();
}

void AddOnce(std::vector<std::string>& list, std::string path) {
  if (std::find(list.begin(), list.end(), path) == list.end()) list.push_back(std::move(path));
}

// "a/Annotations/b" with the last folder of annotations exchanged, or nullopt if there is none.
std::optional<std::string> Exchanged(std::string_view directory, std::string_view by) {
  size_t end = directory.size();
  while (true) {
    const size_t slash = end == 0 ? std::string_view::npos : directory.rfind('/', end - 1);
    const size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    if (IsAnnotationFolder(directory.substr(begin, end - begin))) {
      const std::string_view after = end < directory.size() ? directory.substr(end + 1) : "";
      return JoinPath(
          JoinPath(directory.substr(0, slash == std::string_view::npos ? 0 : slash), by), after);
    }
    if (slash == std::string_view::npos) return std::nullopt;
    end = slash;
  }
}

std::vector<std::string_view> FolderNames(Split split) {
  switch (split) {
    case Split::kTraining:
      return {"train"};
    case Split::kValidation:
      return {"validation", "val", "valid"};
    case Split::kTest:
      return {"test"};
  }
  return {};
}

// "https://host/a/b.jpg?x", "file:///a/b.jpg": "/a/b.jpg".
std::string_view WithoutScheme(std::string_view name) {
  const size_t scheme = name.find("://");
  if (scheme == std::string_view::npos) return name;
  name.remove_prefix(scheme + 3);
  name = name.substr(0, name.find_first_of("?#"));
  return name.substr(std::min(name.find('/'), name.size()));
}

}  // namespace

std::vector<std::string> PictureDirectories(std::string_view annotations,
                                            std::optional<Split> split) {
  const std::string_view own = DirectoryOf(annotations);
  std::vector<std::string> directories{std::string(own)};
  for (const std::string_view folder : kPictureFolders) {
    if (auto exchanged = Exchanged(own, folder)) AddOnce(directories, *std::move(exchanged));
  }
  if (auto without = Exchanged(own, "")) AddOnce(directories, *std::move(without));
  AddOnce(directories, "");
  for (const std::string_view folder : kPictureFolders) AddOnce(directories, std::string(folder));
  if (split.has_value()) {
    for (const std::string_view name : FolderNames(*split)) {
      AddOnce(directories, std::string(name));
      for (const std::string_view folder : kPictureFolders) {
        AddOnce(directories, JoinPath(folder, name));
        AddOnce(directories, JoinPath(name, folder));
      }
    }
  }
  return directories;
}

std::optional<std::string> Pictures::FindIn(const std::vector<std::string>& directories,
                                            const std::string& name) const {
  const bool complete = IsPictureName(name);
  for (const std::string& directory : directories) {
    std::string path = JoinPath(directory, name);
    if (complete || !ExtensionOf(name).empty()) {
      if (folder_.HasFile(path)) return path;
    }
    if (complete) continue;
    for (const std::string_view extension : kExtensions) {
      std::string extended = path + std::string(extension);
      if (folder_.HasFile(extended)) return extended;
    }
    // Content-addressed files have none.
    if (ExtensionOf(name).empty() && folder_.HasFile(path)) return path;
  }
  return std::nullopt;
}

absl::StatusOr<std::string> Pictures::Find(std::string_view name, std::string_view annotations,
                                           std::optional<Split> split) const {
  const auto directories = PictureDirectories(annotations, split);
  std::string_view local = WithoutScheme(name);
  auto safe = SafePath(local);
  if (!safe.ok() && local.starts_with('/')) {
    // An absolute path of another machine: the longest end of it that is here.
    while (local.starts_with('/')) local.remove_prefix(1);
    for (std::string_view end = local; !end.empty();) {
      const auto part = SafePath(end);
      if (!part.ok()) return part.status();
      if (!must_exist_ && end == BaseOf(local)) return *part;
      if (auto found = FindIn(directories, *part)) return *std::move(found);
      const size_t slash = end.find('/');
      end = slash == std::string_view::npos ? std::string_view() : end.substr(slash + 1);
    }
  }
  RETURN_IF_ERROR(safe.status());
  if (auto found = FindIn(directories, *safe)) return *std::move(found);
  if (!must_exist_) return *std::move(safe);
  std::string looked;
  for (const std::string& directory : directories) {
    looked += (looked.empty() ? "" : ", ") + (directory.empty() ? "." : directory);
  }
  return NotFound("picture \"" + Printable(name) + "\" is not there (looked in " + looked + " of " +
                  folder_.root() + "): add it, or name the folder of the pictures");
}

absl::StatusOr<PictureFacts> Pictures::FactsOf(const std::string& path) const {
  ASSIGN_OR_RETURN(const auto file, folder_.Open(path));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  const image::DecodeOptions any_size{.max_pixels = int64_t{1} << 40};
  absl::StatusOr<image::Header> header = InvalidArgument("empty");
  // The size is mostly in the first bytes; behind large metadata it is further on.
  for (uint64_t head = kHeadBytes;; head *= 16) {
    const uint64_t bytes = std::min({head, size, kMaxPictureBytes});
    std::string content(bytes, '\0');
    ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, content));
    const std::span<const uint8_t> view(reinterpret_cast<const uint8_t*>(content.data()), got);
    header = image::ReadHeader(view, any_size);
    if (header.ok()) return PictureFacts{header->stored, header->size, header->orientation};
    if (bytes == size || bytes == kMaxPictureBytes) break;
  }
  return Annotate(header.status(), "picture \"" + Printable(path) + "\"");
}

}  // namespace bowerbird::annotation
