// SPDX-License-Identifier: Apache-2.0
//
// Pictures out of anything that ffmpeg can read: video files, network streams, capture devices.
// An ffmpeg child decodes the input and writes JPEG pictures to a pipe; it lives as long as this
// object. Pictures are upright: ffmpeg applies the rotation that the file asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "base/subprocess.h"
#include "video/ffmpeg_command.h"
#include "video/jpeg_stream.h"

namespace bowerbird::video {

struct Frame {
  std::string jpeg;
  int64_t index = 0;  // frames of this reader, from 0
  std::chrono::system_clock::time_point received_at;
};

// NOT_FOUND: ffmpeg is not installed, or a local file is not there. Open checks the same.
absl::Status CheckInput(const FrameReaderOptions& options);

// One thread reads; Stop may be called from any other.
class FrameReader {
 public:
  // Errors: those of CheckInput. Does not wait for the first frame.
  static absl::StatusOr<std::unique_ptr<FrameReader>> Open(FrameReaderOptions options);
  ~FrameReader();  // ends the child

  // Waits for the next frame; nullopt at the end of the input. Errors: those of the context; what
  // ffmpeg said when it fails (DATA_LOSS; INVALID_ARGUMENT where it gave no frame at all);
  // CANCELLED after Stop. After an error or the end, every call gives the same again, except that a
  // context's end leaves the reader as it is.
  absl::StatusOr<std::optional<Frame>> Next(const Context& context);

  // Next, running or to come, returns CANCELLED. The child is ended by the destructor.
  void Stop();

  int64_t frames() const { return frames_; }

 private:
  FrameReader(std::string input, std::unique_ptr<Subprocess> child);
  absl::Status Ended();
  std::string LastMessage(const ExitStatus& exit) const;

  const std::string input_;
  std::unique_ptr<Subprocess> child_;
  JpegStream stream_;
  int64_t frames_ = 0;
  bool ended_ = false;
  absl::Status end_;  // OK: the input simply ended
};

// Every frame of a video file, one after the other, as fast as the caller takes them, at a quality
// that costs detection nothing.
absl::StatusOr<std::unique_ptr<FrameReader>> ReadFrames(const std::string& path);

}  // namespace bowerbird::video
