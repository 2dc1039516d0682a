// SPDX-License-Identifier: Apache-2.0
#include "tflite/attached_files.h"

#include <zlib.h>

#include <cstdint>
#include <set>

#include "base/status.h"
#include "tflite/write.h"
#include "tflite/zip.h"

namespace bowerbird::tflite {
namespace {

constexpr uint64_t kMaxZipOffset = UINT32_MAX;  // beyond that is ZIP64, which few readers know
constexpr size_t kMaxNameSize = UINT16_MAX;
constexpr size_t kMaxFiles = 1000;  // as many as are read
constexpr uint32_t kVersion = 20;
// 1 January 1980, the first day that a zip can say: the same files give the same bytes.
constexpr uint32_t kDate = (1 << 5) | 1;

// Little-endian number of `bytes` bytes.
void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

uint32_t Checksum(const std::string& contents) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size()));
}

// What the local header and the directory say of a file alike.
std::string CommonHeader(const AttachedFile& file) {
  std::string header;
  Put(header, kVersion, 2);
  Put(header, 0, 4);  // no flags; stored
  Put(header, 0, 2);  // midnight
  Put(header, kDate, 2);
  Put(header, Checksum(file.contents), 4);
  Put(header, file.contents.size(), 4);  // as stored
  Put(header, file.contents.size(), 4);
  Put(header, file.name.size(), 2);
  Put(header, 0, 2);  // no extra field
  return header;
}

absl::Status CheckFiles(std::span<const AttachedFile> files, uint64_t model_bytes) {
  if (files.size() > kMaxFiles) {
    return InvalidArgument("a model carries 1,000 files at most, not " +
                           std::to_string(files.size()));
  }
  std::set<std::string> names;
  uint64_t bytes = model_bytes;
  for (const AttachedFile& file : files) {
    if (file.name.empty() || file.name.size() > kMaxNameSize || !names.insert(file.name).second) {
      return InvalidArgument("a file cannot travel with the model under the name '" + file.name +
                             "': it is empty, too long or there twice");
    }
    constexpr uint64_t kHeaders = 128;
    bytes += kHeaders + 2 * file.name.size() + file.contents.size();
  }
  if (bytes < kMaxZipOffset) return absl::OkStatus();
  return ResourceExhausted("the model and its files would have " + std::to_string(bytes >> 20) +
                           " MiB; a zip archive holds less than 4 GB");
}

// The archive as it stands behind `base` bytes; offsets count from the start of the file.
std::string Archive(std::span<const AttachedFile> files, size_t base) {
  constexpr uint32_t kLocal = 0x04034b50;
  constexpr uint32_t kCentral = 0x02014b50;
  constexpr uint32_t kEnd = 0x06054b50;
  std::string archive;
  std::string directory;
  for (const AttachedFile& file : files) {
    const std::string common = CommonHeader(file);
    Put(directory, kCentral, 4);
    Put(directory, kVersion, 2);
    directory += common;
    Put(directory, 0, 6);  // no comment, disk 0, internal attributes
    Put(directory, 0, 4);  // external attributes
    Put(directory, base + archive.size(), 4);
    directory += file.name;
    Put(archive, kLocal, 4);
    archive += common + file.name + file.contents;
  }
  const uint64_t offset = base + archive.size();
  archive += directory;
  Put(archive, kEnd, 4);
  Put(archive, 0, 4);  // one disk
  Put(archive, files.size(), 2);
  Put(archive, files.size(), 2);
  Put(archive, directory.size(), 4);
  Put(archive, offset, 4);
  Put(archive, 0, 2);  // no comment
  return archive;
}

}  // namespace

absl::StatusOr<std::vector<AttachedFile>> ReadAttachedFiles(std::span<const std::byte> file,
                                                            size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::vector<ZipEntry> entries, ReadZipDirectory(file));
  std::vector<AttachedFile> files;
  for (const ZipEntry& entry : entries) {
    ASSIGN_OR_RETURN(std::string contents, ReadZipEntry(file, entry, max_bytes));
    max_bytes -= contents.size();
    files.push_back({.name = entry.name, .contents = std::move(contents)});
  }
  return files;
}

absl::StatusOr<std::string> WriteModelFile(const Graph& graph,
                                           std::span<const AttachedFile> files) {
  ASSIGN_OR_RETURN(std::string file, WriteModel(graph));
  if (files.empty()) return file;
  RETURN_IF_ERROR(CheckFiles(files, file.size()));
  file += Archive(files, file.size());
  return file;
}

}  // namespace bowerbird::tflite
