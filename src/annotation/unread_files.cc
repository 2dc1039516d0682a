// SPDX-License-Identifier: Apache-2.0
#include "annotation/unread_files.h"

#include <algorithm>
#include <map>
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/input.h"
#include "annotation/numbers.h"
#include "annotation/other_files.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::annotation {
namespace {

constexpr size_t kFilesOfAKind = 50;  // of each folder
constexpr size_t kHead = size_t{64} << 10;
// Larger files are judged by how they begin and end.
constexpr size_t kMaxParsed = size_t{16} << 20;
constexpr std::string_view kBlank(" \r\n\t\0\xEF\xBB\xBF", 8);

bool HasAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

// What tools call their files of annotations.
bool IsNamedLikeAnnotations(const std::string& file) {
  const std::string name = Lower(BaseOf(file));
  const std::string folder = Lower(BaseOf(DirectoryOf(file)));
  return HasAny(name, {"annotation", "instances", "coco", "label", "dataset", "bbox", "boxes"}) ||
         name == "tasks.json" || name == "train.json" || name == "val.json" ||
         name == "test.json" || folder == "annotations" || folder == "metadata";
}

// "" if it is whole.
std::string DamageOfJson(const Probe& probe, const std::string& file, const std::string& head) {
  if (head.size() < kMaxParsed) {
    std::string error;
    try {
      const auto parsed = nlohmann::json::parse(head);
      return parsed.is_structured() ? "" : "it holds a single value";
    } catch (const nlohmann::json::parse_error& failed) {
      if (failed.byte > head.size()) return "it ends in the middle";
      return "it is no JSON from byte " + std::to_string(failed.byte) + " on";
    }
  }
  const std::string tail = probe.Tail(file, 4096);
  const size_t last = tail.find_last_not_of(kBlank);
  const bool whole = last != std::string::npos && (tail[last] == '}' || tail[last] == ']');
  return whole ? "" : "it ends in the middle";
}

bool LooksLikeAnnotationsInJson(const std::string& head) {
  return HasAny(head, {"\"images\"", "\"annotations\"", "\"categories\"", "\"file_name\"",
                       "\"bbox\"", "\"image_path\"", "\"captureMetadata\"", "\"predictions\"",
                       "\"licenses\"", "\"rectanglelabels\"", "\"image_id\""});
}

// One line of YOLO: a class and four numbers.
bool IsYoloLine(std::string_view line) {
  size_t numbers = 0;
  while (!(line = Trimmed(line)).empty()) {
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    const auto number = ParseNumber(line.substr(0, end));
    if (!number.has_value() || *number < 0) return false;
    if (numbers == 0 && line.substr(0, end).find_first_not_of("0123456789") != line.npos) {
      return false;
    }
    if (numbers > 0 && *number > 1.5) return false;
    ++numbers;
    line.remove_prefix(end);
  }
  return numbers >= 5;
}

class Search {
 public:
  Search(const Probe& probe, const Format& chosen) : probe_(probe), chosen_(chosen) {}

  UnreadFiles Go() {
    std::map<std::pair<std::string, std::string>, size_t> seen;
    for (const std::string& file : probe_.files()) {
      const std::string extension = Lower(ExtensionOf(file));
      if (!MayHoldAnnotations(file)) continue;
      if (++seen[{std::string(DirectoryOf(file)), extension}] <= kFilesOfAKind) {
        Look(file, extension);
      }
    }
    UnreadFiles found;
    for (auto& [key, group] : unused_) {
      std::string what = key.second;
      if (group.second > 1) {
        what += " (and " + std::to_string(group.second - 1) + " more of its folder)";
      }
      found.unused.push_back({Problem::Kind::kFileNotUsed, group.first, "", std::move(what)});
    }
    found.damaged = std::move(damaged_);
    const auto by_file = [](const Problem& a, const Problem& b) { return a.file < b.file; };
    std::stable_sort(found.unused.begin(), found.unused.end(), by_file);
    std::stable_sort(found.damaged.begin(), found.damaged.end(), by_file);
    return found;
  }

 private:
  void Look(const std::string& file, const std::string& extension) {
    const std::string head = probe_.Head(file, kHead);
    if (extension == ".txt") return LookAtText(file, head);
    if (extension == ".yaml" || extension == ".yml") {
      if (chosen_.name != "yolo") Unused(file, OfOther(file));
      return;
    }
    const Format* format = FormatOf(file);
    if (format != nullptr && IsReadBy(*format)) return;
    if (format != nullptr) return Unused(file, OfOther(file, format));
    const std::string damage = DamageOf(file, extension, head);
    if (!damage.empty()) {
      // The reader of the chosen format opens it, and says so itself.
      if (!IsReadByReader(extension)) Damaged(file, damage);
    } else if (!IsReadByReader(extension)) {
      Unused(file, "none of the formats that are read: nothing was taken from it");
    }
  }

  // Files that only the chosen format's own reader can tell about.
  bool IsReadByReader(std::string_view extension) const {
    const std::string_view name = chosen_.name;
    if (name == "viam" || name == "coco" || name == "labelstudio") return extension == ".json";
    if (name == "jsonl") return extension == ".jsonl" || extension == ".ndjson";
    if (name == "cvat" || name == "voc" || name == "imagenet") return extension == ".xml";
    if (name == "csv" || name == "openimages") return extension == ".csv";
    return false;
  }

  bool IsReadBy(const Format& format) const {
    const auto family = [](std::string_view name) {
      return name == "imagenet" ? "voc" : name == "openimages" ? "csv" : name;
    };
    return family(format.name) == family(chosen_.name);
  }

  const Format* FormatOf(const std::string& file) const {
    const Probe one = probe_.Only(file);
    for (const Format& format : Formats()) {
      if (format.name != "folders" && !format.detect(one).empty()) return &format;
    }
    return nullptr;
  }

  void LookAtText(const std::string& file, const std::string& head) {
    if (chosen_.name == "yolo") return;
    const std::string_view line = std::string_view(head).substr(0, head.find_first_of("\r\n"));
    if (!IsYoloLine(line)) return;
    Damaged(file,
            "it looks like boxes of YOLO, and no data.yaml, obj.names or classes.txt says what "
            "the classes are: add one");
  }

  std::string DamageOf(const std::string& file, const std::string& extension,
                       const std::string& head) const {
    const bool named = IsNamedLikeAnnotations(file);
    if (head.find_first_not_of(kBlank) == std::string::npos) {
      return named ? "it is named like annotations and empty" : "";
    }
    if (extension == ".json") {
      const std::string text = head.size() < kHead ? head : probe_.Head(file, kMaxParsed);
      const std::string damage = DamageOfJson(probe_, file, text);
      return named || LooksLikeAnnotationsInJson(head) ? damage : "";
    }
    if (extension == ".jsonl" || extension == ".ndjson") {
      const std::string_view line = std::string_view(head).substr(0, head.find('\n'));
      const bool whole = line.size() == kHead || nlohmann::json::accept(line);
      return !whole && (named || LooksLikeAnnotationsInJson(head)) ? "its first line is no JSON"
                                                                   : "";
    }
    if (extension == ".xml") {
      const std::string_view start = Trimmed(head);
      constexpr std::string_view kFirst = "<annotation";
      if (HasAny(head, {kFirst})) return "its first element is not whole";
      const bool torn = kFirst.starts_with(start) || (named && start.find('>') == start.npos);
      return torn || (named && !start.starts_with('<')) ? "it is no XML of annotations" : "";
    }
    return named && head.find('\0') != std::string::npos ? "it is no text" : "";
  }

  static std::string OfOther(const std::string& file, const Format* format = nullptr) {
    if (format == nullptr) {
      return "nothing of " + std::string(BaseOf(file)) + " is needed by the format that was chosen";
    }
    return "it looks like " + std::string(format->name) + ": --format " +
           std::string(format->name) + " reads it";
  }

  void Unused(const std::string& file, std::string what) {
    auto& group =
        unused_[{std::string(DirectoryOf(file)) + std::string(ExtensionOf(file)), std::move(what)}];
    if (group.second++ == 0) group.first = file;
  }

  void Damaged(const std::string& file, const std::string& what) {
    damaged_.push_back({Problem::Kind::kFileSkipped, file, "", what});
  }

  const Probe& probe_;
  const Format& chosen_;
  // By folder and kind, and what is said of it: the first of them, and how many.
  std::map<std::pair<std::string, std::string>, std::pair<std::string, size_t>> unused_;
  std::vector<Problem> damaged_;
};

}  // namespace

absl::StatusOr<UnreadFiles> FindUnreadFiles(FileSystem& files, const std::string& directory,
                                            const Format& chosen) {
  const auto as_folder = files.Stat(JoinPath(directory, "."));
  if (!as_folder.ok()) return UnreadFiles{};
  ASSIGN_OR_RETURN(const Probe probe, Probe::Look(files, directory));
  return Search(probe, chosen).Go();
}

}  // namespace bowerbird::annotation
