// SPDX-License-Identifier: Apache-2.0
//
// Folders for tests of import and export: made empty, removed at the end; and reading them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "annotation/annotation_hash.h"
#include "annotation/format.h"
#include "base/sha256.h"
#include "image/codec.h"

namespace bowerbird::annotation {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "annotation-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }

  void Write(const std::string& relative, const std::string& bytes) const {
    const std::filesystem::path full = std::filesystem::path(path_) / relative;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << bytes;
  }
  // A gray PNG.
  void WritePicture(const std::string& relative, int width, int height) const {
    image::Image picture(width, height, image::PixelFormat::kGray8);
    for (uint8_t& pixel : picture.bytes()) pixel = 90;
    Write(relative, image::EncodePng(picture).value());
  }
  std::string Read(const std::string& relative) const {
    std::ifstream file(std::filesystem::path(path_) / relative, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  bool Has(const std::string& relative) const {
    return std::filesystem::exists(std::filesystem::path(path_) / relative);
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      if (!entry.is_directory()) {
        files.push_back(std::filesystem::relative(entry.path(), path_).string());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

 private:
  std::string path_;
};

struct ReadResult {
  absl::Status status;
  std::vector<AnnotatedImage> images;
  std::vector<Problem> problems;

  size_t boxes() const {
    size_t count = 0;
    for (const auto& image : images) count += image.annotations.boxes.size();
    return count;
  }
  // By the name of the picture without folders.
  std::map<std::string, std::string> Hashes() const {
    std::map<std::string, std::string> hashes;
    for (const auto& image : images) {
      hashes[image.path.substr(image.path.rfind('/') + 1)] = HexOf(AnnotationHash(image));
    }
    return hashes;
  }
  std::string Report() const {
    std::string text;
    for (const auto& problem : problems)
      text += NameOf(problem.kind) + ": " + TextOf(problem) + "\n";
    return text;
  }
};

inline ReadResult ReadAll(const std::string& format, const ReaderOptions& options) {
  const auto files = MakeFileSystem();
  ReadResult result;
  const auto found = FindFormat(format);
  if (!found.ok()) return {found.status(), {}, {}};
  auto reader = OpenReader(**found, *files, options);
  if (!reader.ok()) return {reader.status(), {}, {}};
  while (true) {
    auto event = (*reader)->Next();
    if (!event.ok()) {
      result.status = event.status();
      return result;
    }
    if (!event->has_value()) return result;
    if (auto* image = std::get_if<AnnotatedImage>(&**event)) {
      result.images.push_back(std::move(*image));
    } else {
      result.problems.push_back(std::get<Problem>(**event));
    }
  }
}

}  // namespace bowerbird::annotation
