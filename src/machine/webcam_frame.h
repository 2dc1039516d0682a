// SPDX-License-Identifier: Apache-2.0
//
// A frame as a capture device delivers it, and the picture it becomes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "image/picture.h"

namespace bowerbird::machine {

// The formats that are understood, best first: those that are JPEG already cost nothing.
struct VideoFormat {
  uint32_t fourcc;
  std::string_view name;  // as the attribute `format` takes it, among others
};
const std::vector<VideoFormat>& VideoFormats();

// Place in VideoFormats(), -1 for others.
int FormatRank(uint32_t fourcc);
// "MJPEG", or the four characters of a format that is not understood.
std::string FormatName(uint32_t fourcc);
// Case ignored, with the usual other names ("MJPG", "YUYV", "I420"). INVALID_ARGUMENT lists what is
// understood.
absl::StatusOr<uint32_t> FormatOfName(std::string_view name);

struct RawFrame {
  uint32_t fourcc = 0;
  image::Size size;
  size_t stride = 0;        // bytes from row to row of the first plane; 0 = no padding
  bool full_range = false;  // YUV: 0..255 instead of 16..235
  std::string bytes;
  std::chrono::system_clock::time_point captured_at;
};

// INVALID_ARGUMENT: PictureOf would fail. Cheap.
absl::Status CheckFrame(const RawFrame& frame);

// INVALID_ARGUMENT: too few bytes for its size, no JPEG, or a format that is not understood.
absl::StatusOr<std::shared_ptr<const image::Picture>> PictureOf(RawFrame frame);

// `jpeg` with the standard Huffman tables where it has none: many webcams leave them out, and not
// every decoder knows them by heart.
std::string WithHuffmanTables(std::string jpeg);

}  // namespace bowerbird::machine
