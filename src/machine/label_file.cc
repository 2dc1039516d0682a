// SPDX-License-Identifier: Apache-2.0
#include "machine/label_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "openssl/sha.h"

namespace bowerbird::machine {
namespace {

std::string HexSha256(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", byte);
    hex += pair;
  }
  return hex;
}

bool FitsAFile(const std::vector<std::string>& labels) {
  if (labels.empty()) return false;
  if (labels.size() == 1 && labels[0].find_first_of(", ") != std::string::npos) return false;
  return std::none_of(labels.begin(), labels.end(), [](const std::string& label) {
    return label.find_first_not_of(" \t\r") == std::string::npos ||
           label.find_first_of(std::string("\n\0", 2)) != std::string::npos || label.back() == '\r';
  });
}

absl::Status WriteAll(int file, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "write");
    written += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status Replace(const std::string& path, const std::string& text) {
  std::string temporary = path + ".XXXXXX";
  const int file = mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return ErrnoStatus(errno, "create " + temporary);
  absl::Status status = WriteAll(file, text);
  // Other users' processes read it.
  if (status.ok() && fchmod(file, 0644) != 0) status = ErrnoStatus(errno, "chmod");
  if (status.ok() && fsync(file) != 0) status = ErrnoStatus(errno, "fsync");
  close(file);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = ErrnoStatus(errno, "rename");
  if (!status.ok()) unlink(temporary.c_str());
  return Annotate(status, path);
}

}  // namespace

absl::StatusOr<std::string> WriteLabelFile(const std::string& data_dir,
                                           const std::vector<std::string>& labels) {
  if (!FitsAFile(labels)) return "";
  std::string text;
  for (const auto& label : labels) text += label + "\n";
  std::error_code error;
  const auto folder = std::filesystem::absolute(data_dir, error) / "labels";
  std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), "create the folder " + folder.string());
  const std::string path = (folder / (HexSha256(text) + ".txt")).string();
  // The name is made of the content: what is there whole is right.
  if (std::filesystem::file_size(path, error) == text.size() && !error) return path;
  RETURN_IF_ERROR(Replace(path, text));
  return path;
}

}  // namespace bowerbird::machine
