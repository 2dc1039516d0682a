// SPDX-License-Identifier: Apache-2.0
//
// The attributes of the model `ffmpeg`: those of the reference machine (video_path, input_kw_args,
// filters, output_kw_args, lens), and `loop`, `realtime`, `max_fps`.
#pragma once

#include "absl/status/statusor.h"
#include "machine/attributes.h"
#include "machine/camera_ffmpeg.h"

namespace bowerbird::machine {

// {"rtsp_transport": "udp", "an": "", "map": ["0:v", "0:a"]} as words of a command line:
// -rtsp_transport udp -an -map 0:v -map 0:a. A value "", null or true is an option without value;
// one that is false is left out. In the order of the keys.
absl::StatusOr<std::vector<std::string>> ReadKeywordArguments(const Attributes& attributes,
                                                              std::string_view key);

// [{"name", "args": [], "kw_args": {}}] as ffmpeg writes a chain of filters, values escaped.
absl::StatusOr<std::string> ReadFilters(const Attributes& attributes);

// The name is left to the caller. `loop` and `realtime` are true unless they are given.
absl::StatusOr<FfmpegCameraOptions> ReadFfmpegOptions(const Attributes& attributes);

}  // namespace bowerbird::machine
