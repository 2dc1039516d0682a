// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/sha256.h"
#include "base/status.h"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = 64 << 10;
constexpr size_t kMaxPath = 1024;

// "a/b" for "./a//b/"; an error for what does not stay below the folder. "" is the folder itself.
absl::StatusOr<std::string> PlainPath(const std::string& name) {
  const fs::path path(name);
  if (name.size() > kMaxPath) return InvalidArgument("has a path that is too long");
  if (path.is_absolute()) return InvalidArgument("has an absolute path");
  std::string plain;
  for (const fs::path& part : path) {
    if (part == "..") return InvalidArgument("leads out of the archive");
    if (part == "." || part.empty()) continue;
    if (!plain.empty()) plain += '/';
    plain += part.string();
  }
  return plain;
}

bool IsBelow(const fs::path& path, const fs::path& root) {
  const fs::path relative = path.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

// One archive on its way into a folder that nobody knows yet.
class Unpacking {
 public:
  Unpacking(std::string archive, std::string folder, const UnpackLimits& limits)
      : archive_(std::move(archive)), folder_(std::move(folder)), limits_(limits) {}

  absl::Status Run() {
    archive_read_support_filter_gzip(reader_.get());
    archive_read_support_format_tar(reader_.get());
    if (archive_read_open_filename(reader_.get(), archive_.c_str(), kBlock) != ARCHIVE_OK)
      return Unreadable();
    for (;;) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(reader_.get(), &entry);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK) return Unreadable();
      if (++entries_ > limits_.max_entries)
        return ResourceExhausted("has more than " + std::to_string(limits_.max_entries) +
                                 " entries");
      const char* name = archive_entry_pathname(entry);
      if (name == nullptr) return InvalidArgument("has an entry without a readable name");
      RETURN_IF_ERROR(Annotate(Take(entry, name), "entry \"" + std::string(name) + "\""));
    }
    return MakeLinks();
  }

 private:
  struct Link {
    std::string path, target;
    bool symbolic = false;
  };

  absl::Status Unreadable() const {
    const char* why = archive_error_string(reader_.get());
    return InvalidArgument(std::string("is no readable tar.gz: ") +
                           (why == nullptr ? "unknown fault" : why));
  }

  absl::Status Take(archive_entry* entry, const std::string& name) {
    ASSIGN_OR_RETURN(const std::string path, PlainPath(name));
    const auto type = archive_entry_filetype(entry);
    const char* hard = archive_entry_hardlink(entry);
    if (path.empty()) {
      return type == AE_IFDIR ? absl::OkStatus() : InvalidArgument("has no name of its own");
    }
    if (hard == nullptr && type == AE_IFDIR) return TakeFolder(path);
    if (!names_.insert(path).second) return InvalidArgument("stands twice in the archive");
    if (hard != nullptr || type == AE_IFLNK) {
      const char* target = hard != nullptr ? hard : archive_entry_symlink(entry);
      if (target == nullptr) return InvalidArgument("is a link to nothing");
      links_.push_back({path, target, hard == nullptr});
      return absl::OkStatus();
    }
    if (type != AE_IFREG) return InvalidArgument("is neither a file, a folder nor a link");
    return TakeFile(path, archive_entry_perm(entry));
  }

  absl::Status TakeFolder(const std::string& path) const {
    if (names_.contains(path)) return InvalidArgument("is a folder and something else");
    std::error_code error;
    fs::create_directories(folder_ + "/" + path, error);
    return error ? InvalidArgument("cannot be made: " + error.message()) : absl::OkStatus();
  }

  // Links are not there yet, so that no path leads through one.
  absl::Status TakeFile(const std::string& path, mode_t mode) {
    const fs::path full = folder_ + "/" + path;
    std::error_code error;
    fs::create_directories(full.parent_path(), error);
    if (error) return InvalidArgument("cannot be made: " + error.message());
    const mode_t kept = (mode & 0777) | 0600;
    const Descriptor file(
        open(full.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kept));
    if (file.get() < 0) return ErrnoStatus(errno, "create");
    RETURN_IF_ERROR(CopyTo(file.get()));
    if (fchmod(file.get(), kept) != 0) return ErrnoStatus(errno, "chmod");
    return absl::OkStatus();
  }

  absl::Status CopyTo(int file) {
    std::array<char, kBlock> block;
    for (;;) {
      const la_ssize_t count = archive_read_data(reader_.get(), block.data(), block.size());
      if (count < 0) return Unreadable();
      if (count == 0) return absl::OkStatus();
      bytes_ += static_cast<uint64_t>(count);
      if (bytes_ > limits_.max_bytes)
        return ResourceExhausted("is beyond the " + std::to_string(limits_.max_bytes >> 20) +
                                 " MiB that an archive may hold");
      for (la_ssize_t done = 0; done < count;) {
        const ssize_t written = write(file, block.data() + done, static_cast<size_t>(count - done));
        if (written < 0 && errno != EINTR) return ErrnoStatus(errno, "write");
        if (written > 0) done += written;
      }
    }
  }

  absl::Status MakeLinks() const {
    for (const Link& link : links_) {
      RETURN_IF_ERROR(Annotate(MakeLink(link), "entry \"" + link.path + "\""));
    }
    // Where they lead is known only now: one may lead through another.
    std::error_code error;
    const fs::path root = fs::canonical(folder_, error);
    if (error) return Internal("cannot be looked at: " + error.message());
    for (const Link& link : links_) {
      if (!link.symbolic) continue;
      const fs::path end = fs::canonical(root / link.path, error);
      if (error || (end != root && !IsBelow(end, root)))
        return InvalidArgument("entry \"" + link.path +
                               "\" is a link that leads out of the archive, or nowhere");
    }
    return absl::OkStatus();
  }

  absl::Status MakeLink(const Link& link) const {
    const fs::path full = fs::path(folder_) / link.path;
    std::error_code error;
    fs::create_directories(full.parent_path(), error);
    if (error) return InvalidArgument("cannot be made: " + error.message());
    if (link.symbolic) {
      if (fs::path(link.target).is_absolute())
        return InvalidArgument("is a link to an absolute path");
      fs::create_symlink(link.target, full, error);
    } else {
      ASSIGN_OR_RETURN(const std::string target, PlainPath(link.target));
      const fs::path other = fs::path(folder_) / target;
      if (!fs::is_regular_file(fs::symlink_status(other, error)))
        return InvalidArgument("is a link to \"" + target + "\", which is no file of the archive");
      fs::create_hard_link(other, full, error);
    }
    return error ? InvalidArgument("cannot be linked: " + error.message()) : absl::OkStatus();
  }

  struct FreeReader {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };

  const std::string archive_, folder_;
  const UnpackLimits limits_;
  const std::unique_ptr<archive, FreeReader> reader_{archive_read_new()};
  std::set<std::string> names_;  // of all but folders
  std::vector<Link> links_;
  size_t entries_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

absl::Status UnpackArchive(const std::string& archive, const std::string& folder,
                           const UnpackLimits& limits) {
  std::error_code error;
  if (fs::exists(folder, error)) return absl::OkStatus();
  std::string part = folder + ".part-XXXXXX";
  if (mkdtemp(part.data()) == nullptr) return ErrnoStatus(errno, "make " + part);
  absl::Status status = Annotate(Unpacking(archive, part, limits).Run(), "archive " + archive);
  if (status.ok()) {
    fs::permissions(part, fs::perms(0755), error);
    fs::rename(part, folder, error);
    if (error) status = Internal("cannot make " + folder + ": " + error.message());
  }
  if (!status.ok()) fs::remove_all(part, error);
  return status;
}

absl::StatusOr<std::string> HashOfFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return ErrnoStatus(errno, "open " + path);
  Sha256 hash;
  std::array<char, kBlock> block;
  for (;;) {
    const ssize_t count = read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "read " + path);
    if (count == 0) return HexOf(hash.Finish());
    hash.Update(std::string_view(block.data(), static_cast<size_t>(count)));
  }
}

}  // namespace bowerbird::machine
