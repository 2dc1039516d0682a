// SPDX-License-Identifier: Apache-2.0
#include "machine/webcam_frame.h"

#include <linux/videodev2.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

constexpr int kMaxSide = 16384;

struct OtherName {
  std::string_view name, format;
};
constexpr OtherName kOtherNames[] = {{"MJPG", "MJPEG"}, {"JPEG", "MJPEG"}, {"YUYV", "YUY2"},
                                     {"V422", "YUY2"},  {"Y422", "UYVY"},  {"YU12", "I420"},
                                     {"GREY", "GRAY"},  {"RGB3", "RGB"},   {"BGR3", "BGR"}};

bool IsJpeg(uint32_t fourcc) { return fourcc == V4L2_PIX_FMT_MJPEG || fourcc == V4L2_PIX_FMT_JPEG; }

uint8_t Clamped(int value) { return static_cast<uint8_t>(std::clamp(value >> 8, 0, 255)); }

// BT.601, in 1/256.
void PutYuv(int y, int u, int v, bool full_range, uint8_t* rgb) {
  const int luma = full_range ? 256 * y : 298 * (y - 16);
  const int blue = u - 128, red = v - 128;
  const auto put = [&](int full, int limited) { return full_range ? full : limited; };
  rgb[0] = Clamped(luma + put(359, 409) * red + 128);
  rgb[1] = Clamped(luma - put(88, 100) * blue - put(183, 208) * red + 128);
  rgb[2] = Clamped(luma + put(454, 516) * blue + 128);
}

// Where a row's luma and chroma lie: pixel x has its luma at y[x * y_step], its chroma at
// u[x / 2 * uv_step] and v[x / 2 * uv_step].
struct YuvRow {
  const uint8_t* y = nullptr;
  const uint8_t* u = nullptr;
  const uint8_t* v = nullptr;
  int y_step = 1;
  int uv_step = 2;
};

struct Layout {
  size_t row_bytes = 0;     // needed for the pixels of a row of the first plane
  bool has_planes = false;  // half as many rows again for chroma
};

Layout LayoutOf(uint32_t fourcc, size_t width) {
  const size_t even = (width + 1) / 2 * 2;
  switch (fourcc) {
    case V4L2_PIX_FMT_GREY:
      return {width, false};
    case V4L2_PIX_FMT_RGB24:
    case V4L2_PIX_FMT_BGR24:
      return {3 * width, false};
    case V4L2_PIX_FMT_YUYV:
    case V4L2_PIX_FMT_UYVY:
      return {2 * even, false};
    default:
      return {even, true};
  }
}

size_t StrideOf(const RawFrame& frame) {
  if (frame.stride > 0) return frame.stride;
  return LayoutOf(frame.fourcc, static_cast<size_t>(frame.size.width)).row_bytes;
}

absl::Status CheckRaw(const RawFrame& frame) {
  const auto [width, height] = frame.size;
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide)
    return InvalidArgument("a webcam's frame has an impossible size");
  const Layout layout = LayoutOf(frame.fourcc, static_cast<size_t>(width));
  const auto rows = static_cast<size_t>(height);
  const size_t stride = StrideOf(frame);
  const size_t wanted = stride * (layout.has_planes ? rows + (rows + 1) / 2 : rows);
  if (stride < layout.row_bytes || frame.bytes.size() < wanted) {
    return InvalidArgument("a webcam's frame of " + std::to_string(width) + "x" +
                           std::to_string(height) + " " + FormatName(frame.fourcc) + " has only " +
                           std::to_string(frame.bytes.size()) + " bytes");
  }
  return absl::OkStatus();
}

YuvRow RowOf(const RawFrame& frame, int row) {
  const auto* start = reinterpret_cast<const uint8_t*>(frame.bytes.data());
  const auto at = static_cast<size_t>(row);
  const size_t stride = StrideOf(frame);
  const auto height = static_cast<size_t>(frame.size.height);
  const uint8_t* first = start + at * stride;
  const uint8_t* planes = start + height * stride;
  const uint8_t* pairs = planes + at / 2 * stride;
  switch (frame.fourcc) {
    case V4L2_PIX_FMT_YUYV:
      return {first, first + 1, first + 3, 2, 4};
    case V4L2_PIX_FMT_UYVY:
      return {first + 1, first, first + 2, 2, 4};
    case V4L2_PIX_FMT_NV12:
      return {first, pairs, pairs + 1, 1, 2};
    case V4L2_PIX_FMT_NV21:
      return {first, pairs + 1, pairs, 1, 2};
    default: {  // YUV420: a plane each
      const size_t chroma_stride = stride / 2;
      const uint8_t* u = planes + at / 2 * chroma_stride;
      return {first, u, u + (height + 1) / 2 * chroma_stride, 1, 1};
    }
  }
}

image::Image PixelsOf(const RawFrame& frame) {
  const bool gray = frame.fourcc == V4L2_PIX_FMT_GREY;
  image::Image pixels(frame.size.width, frame.size.height,
                      gray ? image::PixelFormat::kGray8 : image::PixelFormat::kRgb8);
  const bool rgb = frame.fourcc == V4L2_PIX_FMT_RGB24, bgr = frame.fourcc == V4L2_PIX_FMT_BGR24;
  for (int y = 0; y < pixels.height(); ++y) {
    uint8_t* to = pixels.row(y);
    if (gray || rgb || bgr) {
      std::memcpy(to, frame.bytes.data() + static_cast<size_t>(y) * StrideOf(frame),
                  pixels.stride());
      for (int x = 0; bgr && x < pixels.width(); ++x) std::swap(to[3 * x], to[3 * x + 2]);
      continue;
    }
    const YuvRow row = RowOf(frame, y);
    for (int x = 0; x < pixels.width(); ++x, to += 3) {
      const int pair = x / 2 * row.uv_step;
      PutYuv(row.y[x * row.y_step], row.u[pair], row.v[pair], frame.full_range, to);
    }
  }
  return pixels;
}

}  // namespace

const std::vector<VideoFormat>& VideoFormats() {
  static const auto& formats = *new std::vector<VideoFormat>{
      {V4L2_PIX_FMT_MJPEG, "MJPEG"}, {V4L2_PIX_FMT_JPEG, "MJPEG"}, {V4L2_PIX_FMT_YUYV, "YUY2"},
      {V4L2_PIX_FMT_UYVY, "UYVY"},   {V4L2_PIX_FMT_NV12, "NV12"},  {V4L2_PIX_FMT_NV21, "NV21"},
      {V4L2_PIX_FMT_YUV420, "I420"}, {V4L2_PIX_FMT_RGB24, "RGB"},  {V4L2_PIX_FMT_BGR24, "BGR"},
      {V4L2_PIX_FMT_GREY, "GRAY"}};
  return formats;
}

int FormatRank(uint32_t fourcc) {
  const auto& formats = VideoFormats();
  const auto found = std::find_if(formats.begin(), formats.end(),
                                  [&](const auto& format) { return format.fourcc == fourcc; });
  return found == formats.end() ? -1 : static_cast<int>(found - formats.begin());
}

std::string FormatName(uint32_t fourcc) {
  if (const int rank = FormatRank(fourcc); rank >= 0)
    return std::string(VideoFormats()[static_cast<size_t>(rank)].name);
  std::string name;
  for (int i = 0; i < 4; ++i) name += static_cast<char>((fourcc >> (8 * i)) & 0xff);
  return name;
}

absl::StatusOr<uint32_t> FormatOfName(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const auto& other : kOtherNames) {
    if (upper == other.name) upper = other.format;
  }
  std::string known;
  for (const auto& format : VideoFormats()) {
    if (format.name == upper) return format.fourcc;
    if (known.find(format.name) != std::string::npos) continue;
    known += known.empty() ? "" : ", ";
    known += format.name;
  }
  return InvalidArgument("is no format that is understood: " + known);
}

absl::Status CheckFrame(const RawFrame& frame) {
  if (FormatRank(frame.fourcc) < 0)
    return InvalidArgument("webcam format " + FormatName(frame.fourcc) + " is not understood");
  if (!IsJpeg(frame.fourcc)) return CheckRaw(frame);
  if (frame.bytes.starts_with("\xff\xd8\xff")) return absl::OkStatus();
  return InvalidArgument("a webcam's frame is not the JPEG picture it should be");
}

absl::StatusOr<std::shared_ptr<const image::Picture>> PictureOf(RawFrame frame) {
  RETURN_IF_ERROR(CheckFrame(frame));
  if (IsJpeg(frame.fourcc))
    return image::Picture::FromBytes(WithHuffmanTables(std::move(frame.bytes)), image::kMimeJpeg);
  return image::Picture::FromImage(PixelsOf(frame), image::kMimeJpeg);
}

}  // namespace bowerbird::machine
