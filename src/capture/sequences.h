// SPDX-License-Identifier: Apache-2.0
//
// Sequences: spans of time in which what some resources gave belongs together, as the capture
// control sensor says. One opens when a reading names it first and closes when a reading does not
// name it any more. On disk, below CAPTURE_DIR/sequences: docs/formats/capture-file.md.
#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "capture/error_log.h"
#include "capture/record.h"
#include "nlohmann/json.hpp"

namespace bowerbird::capture {

inline constexpr std::string_view kOpenSequenceSuffix = ".progseq";
inline constexpr std::string_view kSequenceSuffix = ".seq";

// What one is known by while it lasts.
struct SequenceKey {
  std::vector<std::pair<std::string, std::string>> resources;  // name, method
  std::vector<std::string> tags;

  friend auto operator<=>(const SequenceKey&, const SequenceKey&) = default;
};

// reading["sequences"]: a list of {resources: [{resource_name, method}], sequence_tags?}; none
// where the key is missing. INVALID_ARGUMENT: no such list, or an unreasonably long one.
absl::StatusOr<std::vector<SequenceKey>> ReadSequences(const nlohmann::json& reading);

// Of the file of a sequence.
struct Sequence {
  SequenceKey key;
  Time start{}, end{};
};
std::string EncodeSequence(const Sequence& sequence);
// DATA_LOSS: not the content of such a file.
absl::StatusOr<Sequence> DecodeSequence(std::string_view content);

// The sequences that are open. What cannot be written is tried again at the next Update. Not
// thread-safe.
class SequenceLog {
 public:
  static constexpr size_t kMaxOpen = 64;

  // Sets aside what a crash left open: when that ended nobody knows.
  SequenceLog(FileSystem& files, std::string capture_dir, Clock now = SystemNow);
  // Closes all.
  ~SequenceLog();
  SequenceLog(const SequenceLog&) = delete;
  SequenceLog& operator=(const SequenceLog&) = delete;

  // Opens those of `wanted` that are not open, closes those that are open and not wanted.
  void Update(const std::vector<SequenceKey>& wanted);

  size_t open() const { return open_.size(); }

 private:
  struct Open {
    std::string stamp;  // of its file's name
    Time start{};
  };

  void Recover();
  absl::Status Begin(const SequenceKey& key);
  absl::Status End(const SequenceKey& key, const Open& open);
  std::string PathOf(const std::string& stamp, std::string_view suffix) const;

  FileSystem& files_;
  const std::string capture_dir_;
  const Clock now_;
  ErrorLog errors_;
  std::map<SequenceKey, Open> open_;
};

}  // namespace bowerbird::capture
