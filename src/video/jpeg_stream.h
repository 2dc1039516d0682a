// SPDX-License-Identifier: Apache-2.0
//
// Cuts a stream of JPEG pictures, one right after the other, into pictures. What lies between them,
// and pictures that are cut off or damaged in their structure, are skipped and counted: the stream
// is found again at the next start of a picture. Input is untrusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace bowerbird::video {

// Not thread-safe. However the stream is cut into Append calls, the pictures are the same.
class JpegStream {
 public:
  static constexpr size_t kMaxPicture = size_t{32} << 20;  // bytes; longer ones are skipped

  explicit JpegStream(size_t max_picture = kMaxPicture) : max_picture_(max_picture) {}

  void Append(std::string_view bytes);
  // The oldest picture not yet taken: from its start marker to its end marker.
  std::optional<std::string> Take();

  uint64_t skipped_bytes() const { return skipped_bytes_; }

 private:
  enum class State {
    kSearch,         // for FF D8
    kMarker,         // between segments: FF expected
    kMarkerCode,     // after FF
    kLengthHigh,     // of a segment
    kLengthLow,      // of a segment
    kSegment,        // `segment_left_` bytes of a segment follow
    kEntropy,        // compressed data
    kEntropyMarker,  // FF seen in compressed data
  };

  void Step(uint8_t byte);
  void StepMarkerCode(uint8_t code);
  void StepEntropyMarker(uint8_t code);
  void EndSegment();
  void Begin();    // a picture starts with the FF D8 just read
  void Discard();  // the picture so far is no picture
  void Finish();

  const size_t max_picture_;
  State state_ = State::kSearch;
  bool last_was_ff_ = false;  // kSearch only
  uint8_t marker_ = 0;        // of the current segment
  bool scan_seen_ = false;    // a picture without a scan is none
  size_t segment_left_ = 0;
  std::string picture_;
  std::deque<std::string> ready_;
  uint64_t skipped_bytes_ = 0;
};

}  // namespace bowerbird::video
