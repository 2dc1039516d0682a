// SPDX-License-Identifier: Apache-2.0
//
// What ffmpeg is told: one input, JPEG pictures on stdout, as soon as each is there.
#pragma once

#include <string>
#include <vector>

#include "image/image.h"

namespace bowerbird::video {

struct FrameReaderOptions {
  std::string input;  // path, URL, or whatever the input format named in `input_args` takes
  std::vector<std::string> input_args;   // for ffmpeg, before -i; they override what is chosen here
  std::vector<std::string> output_args;  // for ffmpeg, after -i; likewise
  std::string filters;                   // for ffmpeg's -vf; "" = none
  bool loop = false;                     // start again at the end of a file, without a gap
  bool realtime = false;                 // give a file's frames at the file's own pace
  image::Size size{0, 0};                // scaled to this; {0, 0} = as it is, one 0 = keep aspect
  double max_fps = 0;                    // frames closer together than this are dropped; 0 = all
  int quality = 5;                       // JPEG quantiser, 2 (best) .. 31
  std::string ffmpeg = "ffmpeg";         // the program: a path, or a name looked up in PATH
};

// True for inputs that go on without end at their own pace (rtsp://, udp://, /dev/video0, ...), and
// false for files, local or behind http:// with a file's extension.
bool IsLive(const FrameReaderOptions& options);

// `input` without user name and password, for messages.
std::string PrintableInput(const std::string& input);

// True where the input is the path of a file of this machine, so that it can be looked for before
// ffmpeg is started.
bool IsLocalFile(const FrameReaderOptions& options);

// The argv, options.ffmpeg first.
std::vector<std::string> FfmpegCommand(const FrameReaderOptions& options);

}  // namespace bowerbird::video
