// SPDX-License-Identifier: Apache-2.0
#include "annotation/input.h"

#include <algorithm>
#include <deque>

#include "annotation/numbers.h"
#include "annotation/text_file.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kProbeFiles = 200;  // of each folder
constexpr size_t kProbeDirectories = 200;
constexpr size_t kProbeDepth = 5;
constexpr size_t kMaxListedNames = 8'000'000;

// FNV-1a: names in lists are compared by it alone, a wrong guess only moves a picture to another
// side of a split.
uint64_t HashOf(std::string_view name) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

// Lists name pictures with or without extension; other dots belong to the name.
std::string_view ListedName(std::string_view path) {
  const std::string_view base = BaseOf(path);
  return IsPictureName(base) ? StemOf(base) : base;
}

}  // namespace

Input::Input(FileSystem& files, const ReaderOptions& options, const std::string& root,
             std::string only, std::vector<std::string> extensions)
    : options_(options),
      folder_(files, root),
      pictures_(files, options, root),
      only_(std::move(only)),
      extensions_(std::move(extensions)),
      walk_(folder_, "",
            extensions_.empty() ? FileWalk::Hidden::kReported : FileWalk::Hidden::kPassedOver) {}

absl::StatusOr<std::unique_ptr<Input>> Input::Open(FileSystem& files, const ReaderOptions& options,
                                                   std::vector<std::string> extensions) {
  std::string root = options.directory;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  std::string only;
  // "." at the end: through a link, if it is one.
  const auto as_folder = files.Stat(JoinPath(root, "."));
  if (!as_folder.ok()) {
    ASSIGN_OR_RETURN(const FileInfo info, files.Stat(root));
    if (info.kind != FileInfo::Kind::kFile) {
      return InvalidArgument("path \"" + Printable(root) + "\" is neither a folder nor a file");
    }
    only = std::string(BaseOf(root));
    root = ParentDirectory(root);
  }
  return std::unique_ptr<Input>(
      new Input(files, options, root, std::move(only), std::move(extensions)));
}

absl::StatusOr<std::optional<std::string>> Input::Next() {
  if (!only_.empty()) {
    if (std::exchange(only_given_, true)) return std::nullopt;
    return std::optional(only_);
  }
  while (true) {
    ASSIGN_OR_RETURN(auto path, walk_.Next());
    if (!path.has_value()) return std::nullopt;
    if (extensions_.empty() || std::find(extensions_.begin(), extensions_.end(),
                                         Lower(ExtensionOf(*path))) != extensions_.end()) {
      return path;
    }
  }
}

absl::StatusOr<Probe> Probe::Look(FileSystem& files, const std::string& directory) {
  Probe probe(Folder(files, directory));
  std::deque<std::pair<std::string, size_t>> waiting{{"", 0}};
  while (!waiting.empty() && probe.directories_.size() < kProbeDirectories) {
    const auto [where, depth] = waiting.front();
    waiting.pop_front();
    const auto names = probe.folder_.List(where);
    if (!names.ok()) {
      if (where.empty()) return names.status();
      continue;
    }
    size_t seen = 0;
    for (const std::string& name : *names) {
      if (name.front() == '.' || seen++ >= kProbeFiles) continue;
      const std::string path = JoinPath(where, name);
      const auto info = probe.folder_.Look(path);
      if (!info.ok()) continue;
      if (info->kind == FileInfo::Kind::kFile) probe.files_.push_back(path);
      if (info->kind == FileInfo::Kind::kDirectory && depth < kProbeDepth) {
        probe.directories_.push_back(path);
        waiting.emplace_back(path, depth + 1);
      }
    }
  }
  return probe;
}

std::string Probe::Named(std::string_view name) const {
  const auto found = std::find_if(files_.begin(), files_.end(),
                                  [&](const std::string& file) { return BaseOf(file) == name; });
  return found == files_.end() ? "" : *found;
}

std::vector<std::string> Probe::WithExtension(std::string_view extension, size_t limit) const {
  std::vector<std::string> found;
  for (const std::string& file : files_) {
    if (found.size() == limit) break;
    if (Lower(ExtensionOf(file)) == extension) found.push_back(file);
  }
  return found;
}

bool Probe::HasDirectory(std::string_view relative) const {
  return std::find(directories_.begin(), directories_.end(), relative) != directories_.end();
}

std::string Probe::Head(const std::string& relative, size_t bytes) const {
  const auto file = folder_.Open(relative);
  if (!file.ok()) return "";
  std::string head(bytes, '\0');
  const auto got = (*file)->ReadAt(0, head);
  head.resize(got.value_or(0));
  return head;
}

std::string Probe::Tail(const std::string& relative, size_t bytes) const {
  const auto file = folder_.Open(relative);
  if (!file.ok()) return "";
  const uint64_t size = (*file)->Size().value_or(0);
  std::string tail(std::min<uint64_t>(bytes, size), '\0');
  const auto got = (*file)->ReadAt(size - tail.size(), tail);
  tail.resize(got.value_or(0));
  return tail;
}

Probe Probe::Only(const std::string& file) const {
  Probe one(folder_);
  one.files_ = {file};
  return one;
}

absl::Status SplitList::Add(const Folder& folder, const std::string& file, Split split) {
  ASSIGN_OR_RETURN(auto opened, folder.Open(file));
  TextFile text(std::move(opened));
  while (true) {
    ASSIGN_OR_RETURN(const auto line, text.Line());
    if (!line.has_value()) return absl::OkStatus();
    std::string_view name = Trimmed(*line);
    name = name.substr(0, name.find_first_of(" \t"));
    if (name.empty()) continue;
    if (names_.size() == kMaxListedNames) {
      return ResourceExhausted(file + ": more than 8 million names");
    }
    names_.emplace_back(HashOf(ListedName(name)), split);
  }
}

void SplitList::Finish() {
  std::stable_sort(names_.begin(), names_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
}

std::optional<Split> SplitList::Find(std::string_view picture) const {
  const uint64_t hash = HashOf(ListedName(picture));
  const auto found = std::lower_bound(names_.begin(), names_.end(), hash,
                                      [](const auto& a, uint64_t b) { return a.first < b; });
  if (found == names_.end() || found->first != hash) return std::nullopt;
  return found->second;
}

absl::StatusOr<SplitList> ReadSplitLists(const Folder& folder,
                                         const std::vector<std::string>& directories) {
  SplitList list;
  for (const std::string& directory : directories) {
    const auto names = folder.List(directory);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      const auto split = SplitOf(StemOf(name));
      if (!split.has_value() || Lower(ExtensionOf(name)) != ".txt") continue;
      RETURN_IF_ERROR(list.Add(folder, JoinPath(directory, name), *split));
    }
  }
  list.Finish();
  return list;
}

std::optional<Split> SplitOfPath(std::string_view path) {
  for (std::string_view rest = DirectoryOf(path); !rest.empty();) {
    const size_t slash = rest.find('/');
    if (auto split = SplitOf(rest.substr(0, slash))) return split;
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return std::nullopt;
}

}  // namespace bowerbird::annotation
