// SPDX-License-Identifier: Apache-2.0
//
// Reading a capture file of this program or of the reference machine: a header, then records, each
// a length-delimited message. Payloads stay on disk until they are asked for, so a file of any size
// is read in little memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "capture/record.h"

namespace bowerbird::capture {

// One record as it lies in the file. The messages are not parsed here.
struct StoredRecord {
  uint64_t begin = 0, end = 0;        // in the file, with its length
  std::string metadata;               // a SensorMetadata message
  std::optional<std::string> fields;  // tabular: a google.protobuf.Struct message
  bool has_payload = false;           // binary
  uint64_t payload_offset = 0, payload_size = 0;
};

// Not thread-safe.
class CaptureFileReader {
 public:
  // Larger parts of a record other than payloads are taken for damage.
  static constexpr uint64_t kMaxMessage = uint64_t{32} << 20;

  // DATA_LOSS: the header is missing, torn or none. Errors of the file system pass through.
  static absl::StatusOr<std::unique_ptr<CaptureFileReader>> Open(FileSystem& files,
                                                                 const std::string& path);
  static absl::StatusOr<std::unique_ptr<CaptureFileReader>> FromFile(
      std::unique_ptr<ReadableFile> file);

  const CaptureHeader& header() const { return header_; }
  // The DataCaptureMetadata message itself, with what DecodeHeader does not know.
  const std::string& header_message() const { return header_message_; }

  // nullopt: the end. DATA_LOSS: what follows position() is torn or damaged.
  absl::StatusOr<std::optional<StoredRecord>> Next();

  // Where the next record begins: everything before is whole.
  uint64_t position() const { return position_; }

  // Fills `buffer` from `offset` of the file. DATA_LOSS: the file ends before.
  absl::Status ReadExactly(uint64_t offset, std::span<char> buffer) const;

 private:
  CaptureFileReader(std::unique_ptr<ReadableFile> file, uint64_t size)
      : file_(std::move(file)), size_(size) {}

  absl::StatusOr<uint64_t> ReadVarint(uint64_t& at, uint64_t limit) const;
  absl::StatusOr<std::string> ReadMessage(uint64_t& at, uint64_t limit) const;
  absl::Status ReadField(uint64_t& at, StoredRecord& record) const;
  absl::Status ReadHeader();

  const std::unique_ptr<ReadableFile> file_;
  const uint64_t size_;
  std::string header_message_;
  CaptureHeader header_;
  uint64_t position_ = 0;
};

}  // namespace bowerbird::capture
