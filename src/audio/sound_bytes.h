// SPDX-License-Identifier: Apache-2.0
//
// A whole sound file that somebody sent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audio/format.h"
#include "base/context.h"

namespace bowerbird::audio {

struct Sound {
  Format format;
  std::vector<float> samples;
};

// Of any format that ffmpeg reads, through a temporary file: formats with their index at the end
// cannot be read from a pipe. INVALID_ARGUMENT: there is no sound in it. RESOURCE_EXHAUSTED: it is
// longer than `max_seconds`.
absl::StatusOr<Sound> ReadSoundBytes(const Context& context, std::string_view bytes,
                                     double max_seconds);

}  // namespace bowerbird::audio
