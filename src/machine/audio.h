// SPDX-License-Identifier: Apache-2.0
//
// Microphones and loudspeakers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "machine/resource.h"

namespace bowerbird::machine {

inline const Api kAudioInApi{"rdk", "component", "audio_in"};
inline const Api kAudioOutApi{"rdk", "component", "audio_out"};

// What bytes of sound are: "pcm16", "pcm32" or "pcm32_float", little-endian, channels interleaved;
// modules may have others, such as "mp3".
struct AudioInfo {
  std::string codec;
  int sample_rate_hz = 0;
  int channels = 0;

  friend bool operator==(const AudioInfo&, const AudioInfo&) = default;
};

struct AudioProperties {
  std::vector<std::string> codecs;
  int sample_rate_hz = 0;
  int channels = 0;
};

struct AudioRequest {
  double duration_seconds = 0;  // 0: until the context ends
  std::string codec;            // "": pcm16
  // The end of the last piece that the caller has, nanoseconds since 1970: goes on from there, or
  // from the oldest that is still known. 0: from now.
  int64_t previous_timestamp_ns = 0;
  std::string request_id;  // modules see it
};

struct AudioChunk {
  std::string bytes;
  AudioInfo info;
  int64_t start_ns = 0, end_ns = 0;  // since 1970
};

class AudioIn : public virtual Resource {
 public:
  static inline const Api& kApi = kAudioInApi;

  // Gives each piece to `on_chunk` as it comes, until the duration is over, `on_chunk` says false,
  // the source ends (all three OK) or the context does. INVALID_ARGUMENT: a codec that it does not
  // have. UNAVAILABLE: nothing is to be heard, with the reason.
  virtual absl::Status GetAudio(const Context& context, const AudioRequest& request,
                                const std::function<bool(AudioChunk)>& on_chunk,
                                const Json& extra) = 0;
  virtual absl::StatusOr<AudioProperties> GetAudioProperties(const Context& context,
                                                             const Json& extra) = 0;
};

class AudioOut : public virtual Resource {
 public:
  static inline const Api& kApi = kAudioOutApi;

  // Returns when it was played. One sound at a time: others wait.
  virtual absl::Status Play(const Context& context, const AudioInfo& info, const std::string& bytes,
                            const Json& extra) = 0;
  // `next` waits for the next piece; nullopt at the end.
  virtual absl::Status PlayStream(const Context& context, const AudioInfo& info,
                                  const std::function<std::optional<std::string>()>& next,
                                  const Json& extra) = 0;
  virtual absl::StatusOr<AudioProperties> GetAudioProperties(const Context& context,
                                                             const Json& extra) = 0;
};

}  // namespace bowerbird::machine
