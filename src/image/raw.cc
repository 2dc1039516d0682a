// SPDX-License-Identifier: Apache-2.0
//
// The wire's raw encodings: docs/formats/raw-images.md.
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/codec.h"
#include "image/formats.h"
#include "image/pixels.h"

namespace bowerbird::image {
namespace {

constexpr std::string_view kRgbaMagic = "RGBA";
constexpr std::string_view kDepthMagic = "DEPTHMAP";
constexpr size_t kRgbaHeader = 12;   // magic, two uint32
constexpr size_t kDepthHeader = 24;  // magic, two uint64

uint64_t ReadBigEndian(const uint8_t* at, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xFF));
  }
}

constexpr uint16_t SwapToBigEndian(uint16_t value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  return static_cast<uint16_t>(value << 8 | value >> 8);
}

// What the two formats have in common: width and height of `field` bytes after the magic, then
// exactly the pixels.
struct Layout {
  std::string_view what;
  size_t header;
  int field;
  PixelFormat format;
  std::string_view mime;
};

absl::StatusOr<Header> ReadRawHeader(Bytes bytes, const Layout& layout,
                                     const DecodeOptions& options) {
  if (bytes.size() < layout.header) {
    return InvalidArgument(absl::StrCat(ToAbsl(layout.what), " picture is cut off: ", bytes.size(),
                                        " bytes, its header alone has ", layout.header));
  }
  const uint8_t* fields = &bytes[layout.header - 2 * static_cast<size_t>(layout.field)];
  const uint64_t width = ReadBigEndian(fields, layout.field);
  const uint64_t height = ReadBigEndian(fields + layout.field, layout.field);
  constexpr uint64_t kMaxSide = INT32_MAX;
  if (width > kMaxSide || height > kMaxSide) {
    return InvalidArgument(
        absl::StrCat(ToAbsl(layout.what), " picture claims ", width, "x", height, " pixels"));
  }
  RETURN_IF_ERROR(
      CheckSize(static_cast<int64_t>(width), static_cast<int64_t>(height), options, layout.what));
  const uint64_t pixels = width * height * static_cast<uint64_t>(BytesPerPixel(layout.format));
  if (bytes.size() - layout.header != pixels) {
    return InvalidArgument(absl::StrCat(ToAbsl(layout.what), " picture of ", width, "x", height,
                                        " needs ", pixels, " bytes of pixels and has ",
                                        bytes.size() - layout.header));
  }
  Header header;
  header.mime = layout.mime;
  header.stored = {static_cast<int>(width), static_cast<int>(height)};
  header.format = layout.format;
  return header;
}

}  // namespace

absl::StatusOr<Header> ReadRawRgbaHeader(Bytes bytes, const DecodeOptions& options) {
  return ReadRawHeader(bytes, {"raw RGBA", kRgbaHeader, 4, PixelFormat::kRgba8, kMimeRawRgba},
                       options);
}

absl::StatusOr<Header> ReadRawDepthHeader(Bytes bytes, const DecodeOptions& options) {
  return ReadRawHeader(bytes, {"raw depth", kDepthHeader, 8, PixelFormat::kDepth16, kMimeRawDepth},
                       options);
}

absl::StatusOr<Image> DecodeRawRgba(Bytes bytes, const Header& header) {
  Image image(header.stored.width, header.stored.height, PixelFormat::kRgba8);
  std::memcpy(image.bytes().data(), &bytes[kRgbaHeader], image.bytes().size());
  return image;
}

absl::StatusOr<Image> DecodeRawDepth(Bytes bytes, const Header& header) {
  Image image(header.stored.width, header.stored.height, PixelFormat::kDepth16);
  const uint8_t* source = &bytes[kDepthHeader];
  for (int y = 0; y < image.height(); ++y) {
    uint16_t* row = image.depth_row(y);
    for (int x = 0; x < image.width(); ++x, source += 2) {
      row[x] = static_cast<uint16_t>(source[0] << 8 | source[1]);
    }
  }
  return image;
}

std::string EncodeRawRgba(const Image& image) {
  std::string out(kRgbaMagic);
  AppendBigEndian(out, static_cast<uint64_t>(image.width()), 4);
  AppendBigEndian(out, static_cast<uint64_t>(image.height()), 4);
  if (image.empty()) return out;
  const size_t row_bytes = static_cast<size_t>(image.width()) * 4;
  out.resize(kRgbaHeader + row_bytes * static_cast<size_t>(image.height()));
  auto* target = reinterpret_cast<uint8_t*>(out.data()) + kRgbaHeader;
  if (image.format() == PixelFormat::kRgba8) {
    std::memcpy(target, image.bytes().data(), image.bytes().size());
    return out;
  }
  const RowReader reader(image);
  const std::unique_ptr<uint8_t[]> rgb(new uint8_t[static_cast<size_t>(image.width()) * 3]);
  for (int y = 0; y < image.height(); ++y) {
    reader.Rgb(y, rgb.get());
    for (int x = 0; x < image.width(); ++x, target += 4) {
      std::memcpy(target, &rgb[static_cast<size_t>(x) * 3], 3);
      target[3] = 255;
    }
  }
  return out;
}

absl::StatusOr<std::string> EncodeRawDepth(const Image& image) {
  if (image.empty() || image.format() != PixelFormat::kDepth16) {
    return InvalidArgument(absl::StrCat("only a depth picture can be sent as ",
                                        ToAbsl(kMimeRawDepth), "; ask for ", ToAbsl(kMimeJpeg),
                                        " or ", ToAbsl(kMimePng)));
  }
  std::string out(kDepthMagic);
  AppendBigEndian(out, static_cast<uint64_t>(image.width()), 8);
  AppendBigEndian(out, static_cast<uint64_t>(image.height()), 8);
  out.resize(kDepthHeader + image.bytes().size());
  char* target = out.data() + kDepthHeader;
  for (int y = 0; y < image.height(); ++y) {
    const uint16_t* row = image.depth_row(y);
    for (int x = 0; x < image.width(); ++x, target += 2) {
      const uint16_t value = SwapToBigEndian(row[x]);
      std::memcpy(target, &value, 2);
    }
  }
  return out;
}

}  // namespace bowerbird::image
