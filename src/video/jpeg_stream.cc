// SPDX-License-Identifier: Apache-2.0
#include "video/jpeg_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace bowerbird::video {
namespace {

constexpr uint8_t kStartOfImage = 0xd8;
constexpr uint8_t kEndOfImage = 0xd9;
constexpr uint8_t kStartOfScan = 0xda;

// Markers that stand alone, without a length: TEM and the restart markers.
bool IsBare(uint8_t code) { return code == 0x01 || (code >= 0xd0 && code <= 0xd7); }

}  // namespace

void JpegStream::Append(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    // The two states in which nearly all bytes lie are taken a run at a time.
    size_t run = 0;
    if (state_ == State::kSegment) {
      run = std::min(segment_left_, bytes.size() - i);
    } else if (state_ == State::kEntropy) {
      const void* found = std::memchr(bytes.data() + i, 0xff, bytes.size() - i);
      run = found == nullptr
                ? bytes.size() - i
                : static_cast<size_t>(static_cast<const char*>(found) - (bytes.data() + i));
    }
    if (run > 0) {
      // Never beyond the limit, or the place of a Discard would depend on how the stream is cut.
      run = std::min(run, max_picture_ + 1 - picture_.size());
      picture_.append(bytes.substr(i, run));
      i += run;
      if (state_ == State::kSegment && (segment_left_ -= run) == 0) EndSegment();
    } else {
      Step(static_cast<uint8_t>(bytes[i++]));
    }
    if (picture_.size() > max_picture_) Discard();
  }
}

void JpegStream::Step(uint8_t byte) {
  if (state_ == State::kSearch) {
    ++skipped_bytes_;
    if (last_was_ff_ && byte == kStartOfImage) {
      skipped_bytes_ -= 2;
      return Begin();
    }
    last_was_ff_ = byte == 0xff;
    return;
  }
  picture_.push_back(static_cast<char>(byte));
  switch (state_) {
    case State::kMarker:
      if (byte != 0xff) return Discard();
      state_ = State::kMarkerCode;
      return;
    case State::kMarkerCode:
      return StepMarkerCode(byte);
    case State::kLengthHigh:
      segment_left_ = static_cast<size_t>(byte) << 8;
      state_ = State::kLengthLow;
      return;
    case State::kLengthLow:
      segment_left_ |= byte;
      if (segment_left_ < 2) return Discard();  // the length counts its own two bytes
      segment_left_ -= 2;
      state_ = State::kSegment;
      if (segment_left_ == 0) EndSegment();
      return;
    case State::kEntropy:  // only FF comes here, see Append
      state_ = State::kEntropyMarker;
      return;
    case State::kEntropyMarker:
      return StepEntropyMarker(byte);
    case State::kSearch:
    case State::kSegment:
      return;
  }
}

void JpegStream::EndSegment() {
  scan_seen_ = scan_seen_ || marker_ == kStartOfScan;
  state_ = marker_ == kStartOfScan ? State::kEntropy : State::kMarker;
}

void JpegStream::StepMarkerCode(uint8_t code) {
  if (code == 0xff) return;  // fill byte
  if (code == kStartOfImage) return Begin();
  if (code == kEndOfImage) return scan_seen_ ? Finish() : Discard();
  if (code == 0x00) return Discard();
  if (IsBare(code)) {
    state_ = State::kMarker;
    return;
  }
  marker_ = code;
  state_ = State::kLengthHigh;
}

void JpegStream::StepEntropyMarker(uint8_t code) {
  if (code == 0xff) return;  // fill byte
  if (code == 0x00 || IsBare(code)) {
    state_ = State::kEntropy;
    return;
  }
  StepMarkerCode(code);
}

void JpegStream::Begin() {
  if (picture_.size() > 2) skipped_bytes_ += picture_.size() - 2;  // a picture that was cut off
  picture_.assign("\xff\xd8");
  last_was_ff_ = false;
  scan_seen_ = false;
  state_ = State::kMarker;
}

void JpegStream::Discard() {
  skipped_bytes_ += picture_.size();
  // The byte that was wrong may be the first of the next start.
  last_was_ff_ = !picture_.empty() && static_cast<uint8_t>(picture_.back()) == 0xff;
  picture_.clear();
  state_ = State::kSearch;
}

void JpegStream::Finish() {
  if (picture_.size() > max_picture_) return Discard();
  ready_.push_back(std::exchange(picture_, {}));
  last_was_ff_ = false;
  state_ = State::kSearch;
}

std::optional<std::string> JpegStream::Take() {
  if (ready_.empty()) return std::nullopt;
  std::string picture = std::move(ready_.front());
  ready_.pop_front();
  return picture;
}

}  // namespace bowerbird::video
