// SPDX-License-Identifier: Apache-2.0
//
// Writes what one collector captures into capture files: FOLDER/STAMP.prog while a file is open,
// STAMP.capture once it is whole. A binary record has a file of its own; tabular ones are appended
// until the file is larger than the limit or Close.
//
// What must hold: a .capture file is whole and its content durable when it gets its name; names are
// unique and, within one writer, in the order of writing, whatever the clock does. A write that
// fails leaves the records before it in a whole file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/file_system.h"
#include "capture/record.h"

namespace bowerbird::capture {

inline constexpr std::string_view kOpenSuffix = ".prog";
inline constexpr std::string_view kClosedSuffix = ".capture";

// "CAPTURE_DIR/rdk_component_camera/cam/ReadImage".
std::string FolderOf(const std::string& capture_dir, const CaptureHeader& header);

// "2026-01-02T03_04_05.678901Z", or with the local offset: "...678901+02_00".
std::string FileStamp(Time time);

// Not thread-safe.
class CaptureWriter {
 public:
  struct Options {
    std::string capture_dir;
    uint64_t max_file_size = 262144;  // bytes after which a tabular file is closed
    std::function<Time()> now = SystemNow;
  };

  CaptureWriter(FileSystem& files, Options options);
  ~CaptureWriter();  // Close

  // RESOURCE_EXHAUSTED: the disk is full. The record is lost after an error, none other.
  absl::Status Write(const Captured& captured);

  // Ends the open file, if there is one.
  absl::Status Close();

  // Makes the names of what was closed durable. To be called after a batch of writes.
  absl::Status Commit();

 private:
  struct Open;

  absl::Status WriteBinary(const Captured& captured, const std::string& header,
                           const std::string& head);
  absl::Status WriteTabular(const Captured& captured, const std::string& header,
                            const std::string& head);
  absl::StatusOr<Open> Create(const std::string& folder);
  absl::Status Append(Open& open, std::string_view bytes);
  absl::Status Finish(Open& open);
  void Abandon(Open& open);
  void MarkDirty(const std::string& folder);

  FileSystem& files_;
  const Options options_;
  std::unique_ptr<Open> tabular_;
  CaptureHeader tabular_header_;
  Time last_stamp_{};
  std::vector<std::string> dirty_;  // folders with names that are not durable yet
};

}  // namespace bowerbird::capture
