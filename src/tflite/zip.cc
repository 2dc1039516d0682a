// SPDX-License-Identifier: Apache-2.0
#include "tflite/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kMaxCommentSize = 0xffff;
constexpr size_t kMaxEntries = 1000;
constexpr uint16_t kEncrypted = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

absl::Status Damaged(std::string_view what) {
  return InvalidArgument("the zip archive behind the model is damaged: " + std::string(what));
}

// Little-endian number of `bytes` bytes. The caller has checked that it lies within `data`.
uint32_t Number(std::span<const std::byte> data, size_t offset, int bytes) {
  uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) {
    value = (value << 8) | static_cast<uint32_t>(data[offset + static_cast<size_t>(i)]);
  }
  return value;
}

std::string_view Text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

// Offset of the end-of-directory record, searched backwards over a possible comment.
std::optional<size_t> FindEnd(std::span<const std::byte> file) {
  if (file.size() < kEndSize) return std::nullopt;
  const size_t last = file.size() - kEndSize;
  const size_t first = last > kMaxCommentSize ? last - kMaxCommentSize : 0;
  for (size_t offset = last + 1; offset-- > first;) {
    if (Number(file, offset, 4) != kEndSignature) continue;
    if (offset + kEndSize + Number(file, offset + 20, 2) == file.size()) return offset;
  }
  return std::nullopt;
}

// One entry of the central directory at the start of `directory`; `used` is its length.
absl::StatusOr<ZipEntry> ReadCentral(std::span<const std::byte> directory, size_t base,
                                     size_t* used) {
  if (directory.size() < kCentralSize || Number(directory, 0, 4) != kCentralSignature) {
    return Damaged("an entry of the directory is cut short");
  }
  const size_t name_size = Number(directory, 28, 2);
  *used = kCentralSize + name_size + Number(directory, 30, 2) + Number(directory, 32, 2);
  if (*used > directory.size()) return Damaged("a name in the directory is cut short");
  ZipEntry entry;
  entry.name = Text(directory.subspan(kCentralSize, name_size));
  if (Number(directory, 8, 2) & kEncrypted) return Damaged("'" + entry.name + "' is encrypted");
  entry.method = static_cast<uint16_t>(Number(directory, 10, 2));
  entry.crc32 = Number(directory, 16, 4);
  entry.compressed_size = Number(directory, 20, 4);
  entry.size = Number(directory, 24, 4);
  entry.header_offset = base + Number(directory, 42, 4);
  return entry;
}

// The entry's bytes as stored in the archive.
absl::StatusOr<std::span<const std::byte>> StoredBytes(std::span<const std::byte> file,
                                                       const ZipEntry& entry) {
  const std::string quoted = "'" + entry.name + "'";
  if (entry.header_offset > file.size() || file.size() - entry.header_offset < kLocalSize ||
      Number(file, entry.header_offset, 4) != kLocalSignature) {
    return Damaged(quoted + " is not where the directory says");
  }
  const size_t data_offset = entry.header_offset + kLocalSize +
                             Number(file, entry.header_offset + 26, 2) +
                             Number(file, entry.header_offset + 28, 2);
  if (data_offset > file.size() || file.size() - data_offset < entry.compressed_size) {
    return Damaged(quoted + " is cut short");
  }
  return file.subspan(data_offset, entry.compressed_size);
}

// Raw deflate data of exactly `size` bytes once unpacked.
absl::StatusOr<std::string> Inflate(std::span<const std::byte> data, size_t size,
                                    const std::string& name) {
  std::string text(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Internal("zlib: out of memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (result != Z_STREAM_END || stream.total_out != size) {
    return Damaged("'" + name + "' does not inflate to the size that the directory says");
  }
  return text;
}

}  // namespace

absl::StatusOr<std::vector<ZipEntry>> ReadZipDirectory(std::span<const std::byte> file) {
  std::vector<ZipEntry> entries;
  const std::optional<size_t> end = FindEnd(file);
  if (!end) return entries;
  const size_t count = Number(file, *end + 10, 2);
  const size_t size = Number(file, *end + 12, 4);
  const size_t stated_offset = Number(file, *end + 16, 4);
  if (count > kMaxEntries) return Damaged("it has more than 1,000 entries");
  if (size > *end) return Damaged("the directory is larger than the file");
  // Offsets count from the start of the archive, which may stand behind other data: where the
  // directory really is tells by how much they are shifted.
  const size_t offset = *end - size;
  if (stated_offset > offset) return Damaged("the directory is not where the archive says");
  const size_t base = offset - stated_offset;
  std::span<const std::byte> directory = file.subspan(offset, size);
  for (size_t i = 0; i < count; ++i) {
    size_t used = 0;
    ASSIGN_OR_RETURN(ZipEntry entry, ReadCentral(directory, base, &used));
    directory = directory.subspan(used);
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::string> ReadZipEntry(std::span<const std::byte> file, const ZipEntry& entry,
                                         size_t max_size) {
  if (entry.size > max_size) {
    return ResourceExhausted("'" + entry.name + "' in the model's archive has " +
                             std::to_string(entry.size) + " bytes; at most " +
                             std::to_string(max_size) + " are read");
  }
  ASSIGN_OR_RETURN(const std::span<const std::byte> data, StoredBytes(file, entry));
  std::string text;
  if (entry.method == kStored) {
    if (entry.size != entry.compressed_size) return Damaged("'" + entry.name + "' has two sizes");
    text = Text(data);
  } else if (entry.method == kDeflated) {
    ASSIGN_OR_RETURN(text, Inflate(data, entry.size, entry.name));
  } else {
    return Damaged("'" + entry.name + "' uses compression method " + std::to_string(entry.method) +
                   "; only stored and deflated files can be read");
  }
  const auto checksum =
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  if (checksum != entry.crc32) return Damaged("the checksum of '" + entry.name + "' is wrong");
  return text;
}

}  // namespace bowerbird::tflite
