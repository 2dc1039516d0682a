// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"

namespace bowerbird::capture {
namespace {

// Fields of SensorData.
constexpr uint64_t kMetadataField = 1, kStructField = 2, kBinaryField = 3;

// Wire types of protobuf.
constexpr uint64_t kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5;

absl::Status Damaged(uint64_t at, const std::string& why) {
  return absl::DataLossError(("at byte " + std::to_string(at) + ": " + why).c_str());
}

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureFileReader>> CaptureFileReader::Open(
    FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(auto file, files.OpenForReading(path));
  return FromFile(std::move(file));
}

absl::StatusOr<std::unique_ptr<CaptureFileReader>> CaptureFileReader::FromFile(
    std::unique_ptr<ReadableFile> file) {
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::unique_ptr<CaptureFileReader> reader(new CaptureFileReader(std::move(file), size));
  RETURN_IF_ERROR(reader->ReadHeader());
  return reader;
}

absl::Status CaptureFileReader::ReadHeader() {
  if (size_ == 0) return Damaged(0, "the file is empty");
  ASSIGN_OR_RETURN(header_message_, ReadMessage(position_, size_));
  auto header = DecodeHeader(header_message_);
  if (!header.ok()) return Damaged(0, MessageOf(header.status()));
  header_ = *std::move(header);
  return absl::OkStatus();
}

absl::Status CaptureFileReader::ReadExactly(uint64_t offset, std::span<char> buffer) const {
  size_t done = 0;
  while (done < buffer.size()) {
    ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(offset + done, buffer.subspan(done)));
    if (got == 0) return Damaged(offset + done, "the file ends in the middle of a record");
    done += got;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CaptureFileReader::ReadVarint(uint64_t& at, uint64_t limit) const {
  std::array<char, 10> buffer{};
  const size_t wanted = std::min<uint64_t>(buffer.size(), limit - at);
  RETURN_IF_ERROR(ReadExactly(at, std::span(buffer).first(wanted)));
  uint64_t value = 0;
  for (size_t i = 0; i < wanted; ++i) {
    const auto byte = static_cast<uint8_t>(buffer[i]);
    if (i == 9 && byte > 1) break;  // beyond 64 bits
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) != 0) continue;
    at += i + 1;
    return value;
  }
  return Damaged(at, wanted < buffer.size() ? "the file ends in the middle of a length"
                                            : "what stands there is no length");
}

absl::StatusOr<std::string> CaptureFileReader::ReadMessage(uint64_t& at, uint64_t limit) const {
  uint64_t position = at;
  ASSIGN_OR_RETURN(const uint64_t length, ReadVarint(position, limit));
  if (length > limit - position)
    return Damaged(at, "a message of " + std::to_string(length) + " bytes has only " +
                           std::to_string(limit - position));
  if (length > kMaxMessage)
    return Damaged(at, "a message of " + std::to_string(length) + " bytes; the limit is " +
                           std::to_string(kMaxMessage));
  std::string message(length, '\0');
  RETURN_IF_ERROR(ReadExactly(position, message));
  at = position + length;
  return message;
}

absl::StatusOr<std::optional<StoredRecord>> CaptureFileReader::Next() {
  if (position_ == size_) return std::nullopt;
  StoredRecord record;
  record.begin = position_;
  uint64_t at = position_;
  ASSIGN_OR_RETURN(const uint64_t length, ReadVarint(at, size_));
  if (length > size_ - at)
    return Damaged(position_, "a record of " + std::to_string(length) + " bytes has only " +
                                  std::to_string(size_ - at));
  record.end = at + length;
  while (at < record.end) RETURN_IF_ERROR(ReadField(at, record));
  if (record.fields.has_value() == record.has_payload)
    return Damaged(position_, "a record holds neither or both of readings and bytes");
  if (record.has_payload != (header_.kind == DataKind::kBinary))
    return Damaged(position_, "a record is of another kind than the header says");
  position_ = record.end;
  return record;
}

absl::Status CaptureFileReader::ReadField(uint64_t& at, StoredRecord& record) const {
  const uint64_t begin = at;
  ASSIGN_OR_RETURN(const uint64_t tag, ReadVarint(at, record.end));
  const uint64_t field = tag >> 3;
  switch (tag & 7) {
    case kVarint:
      return ReadVarint(at, record.end).status();
    case kFixed32:
    case kFixed64: {
      const uint64_t size = (tag & 7) == kFixed32 ? 4 : 8;
      if (size > record.end - at) return Damaged(begin, "a field is cut off");
      at += size;
      return absl::OkStatus();
    }
    case kLengthDelimited:
      break;
    default:
      return Damaged(begin, "what stands there is no field of a record");
  }
  if (field == kMetadataField) {
    ASSIGN_OR_RETURN(record.metadata, ReadMessage(at, record.end));
    return absl::OkStatus();
  }
  if (field == kStructField) {
    ASSIGN_OR_RETURN(record.fields, ReadMessage(at, record.end));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const uint64_t size, ReadVarint(at, record.end));
  if (size > record.end - at) return Damaged(begin, "a field reaches beyond its record");
  if (field == kBinaryField) {
    record.has_payload = true;
    record.payload_offset = at;
    record.payload_size = size;
  }
  at += size;
  return absl::OkStatus();
}

}  // namespace bowerbird::capture
