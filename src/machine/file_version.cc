// SPDX-License-Identifier: Apache-2.0
#include "machine/file_version.h"

#include <sys/stat.h>

namespace bowerbird::machine {

std::optional<FileVersion> VersionOfFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  constexpr int64_t kSecond = 1'000'000'000;
  return FileVersion{static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
                     static_cast<int64_t>(info.st_size),
                     static_cast<int64_t>(info.st_mtim.tv_sec) * kSecond + info.st_mtim.tv_nsec};
}

}  // namespace bowerbird::machine
