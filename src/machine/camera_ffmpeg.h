// SPDX-License-Identifier: Apache-2.0
//
// Model `ffmpeg`: frames of whatever ffmpeg can read. A thread "ffmpeg-NAME" reads an ffmpeg child
// (see video/frame_reader.h), keeps the latest frame, and starts the child again, with growing
// pauses, whenever it ends.
//
// Cost while nobody reads: what the child needs to decode its input at the input's own pace, and
// one copy of each JPEG here; frames are decoded when somebody asks for pixels, once for all who
// ask. An input that is neither live nor paced (`realtime` false) is taken frame by frame instead:
// each read gives the next frame, and nothing is decoded ahead of the readers but a pipe's worth.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "machine/camera_lens.h"
#include "machine/resource.h"
#include "video/frame_reader.h"

namespace bowerbird::machine {

struct FfmpegCameraOptions {
  std::string name;  // of the resource, for the thread, the log and the metrics
  video::FrameReaderOptions reader;
  Lens lens;
  std::chrono::nanoseconds first_pause = std::chrono::milliseconds(250);  // doubles up to the last
  std::chrono::nanoseconds last_pause = std::chrono::seconds(5);
  // A live input that gives no frame for so long is started again.
  std::chrono::nanoseconds stall_limit = std::chrono::seconds(30);
  // While the input is down, the last frame is given out until it is this old.
  std::chrono::nanoseconds max_age_when_down = std::chrono::seconds(5);
  Metrics* metrics = nullptr;
};

class FfmpegCamera final : public Camera {
 public:
  explicit FfmpegCamera(FfmpegCameraOptions options);
  ~FfmpegCamera() override;

  // Waits for the first frame. UNAVAILABLE with ffmpeg's words while the input is down;
  // OUT_OF_RANGE after the end of a file that does not loop.
  absl::StatusOr<CameraImages> GetImages(const Context& context,
                                         const std::vector<std::string>& filter_source_names,
                                         const Json& extra) override;
  absl::StatusOr<CameraProperties> GetProperties(const Context& context) override;
  // {"state": "starting" | "streaming" | "down" | "ended", "frames", "restarts",
  //  "frames_per_second", "last_error"}
  absl::StatusOr<Json> GetStatus(const Context& context) override;

 private:
  enum class State { kStarting, kStreaming, kDown, kEnded };

  void Run();
  absl::Status PumpOnce();
  bool Keep(video::Frame frame);  // false: stop
  bool IsReadable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GoDown(const absl::Status& status, std::chrono::nanoseconds pause);
  bool Stopping() const;

  const FfmpegCameraOptions options_;
  const bool live_;
  const bool frame_by_frame_;

  mutable Mutex mutex_;
  CondVar changed_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kStarting;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  video::FrameReader* reader_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the thread, while it reads
  // Shared with requests that are still sending it.
  std::shared_ptr<const image::Picture> frame_ ABSL_GUARDED_BY(mutex_);
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;  // the frame was given out, see frame_by_frame_
  std::chrono::system_clock::time_point captured_at_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point received_at_ ABSL_GUARDED_BY(mutex_);
  double seconds_per_frame_ ABSL_GUARDED_BY(mutex_) = 0;  // smoothed; 0 = not known
  int64_t frames_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t restarts_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread thread_;  // last: it uses the rest
};

}  // namespace bowerbird::machine
