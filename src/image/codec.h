// SPDX-License-Identifier: Apache-2.0
//
// Encoded pictures to pixels and back: JPEG, PNG, and the raw formats of the wire
// (image/vnd.viam.rgba, image/vnd.viam.dep), see docs/formats/raw-images.md. BMP is only read.
// Every input is untrusted: sizes are checked against DecodeOptions before anything is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "image/image.h"

namespace bowerbird::image {

inline constexpr std::string_view kMimeJpeg = "image/jpeg";
inline constexpr std::string_view kMimePng = "image/png";
inline constexpr std::string_view kMimeRawRgba = "image/vnd.viam.rgba";
inline constexpr std::string_view kMimeRawDepth = "image/vnd.viam.dep";
inline constexpr std::string_view kMimeBmp = "image/bmp";

// The MIME type by the first bytes, or "" when no decoder here knows them.
std::string_view SniffMime(std::span<const uint8_t> bytes);

// A MIME type without the wire's "+lazy" suffix, and with its usual spelling.
std::string_view PlainMime(std::string_view mime);

// What can be known without decoding.
struct Header {
  std::string_view mime;                    // by content, whatever the name or the caller said
  Size stored;                              // as the file stores it
  Size size;                                // of the decoded picture: EXIF orientation applied
  int orientation = 1;                      // EXIF, 1..8
  PixelFormat format = PixelFormat::kRgb8;  // that Decode gives at full size
};

struct DecodeOptions {
  // Larger pictures are refused (INVALID_ARGUMENT naming both sizes). 64 megapixels = 192 MB of
  // RGB.
  int64_t max_pixels = 64'000'000;
  // JPEG only: decode at the smallest of 1/8, 1/4, 1/2 and 1 of its size that still gives at least
  // this size (as a person sees it). {0, 0}: full size.
  Size at_least{0, 0};
  // Turn the picture as its EXIF orientation asks.
  bool apply_orientation = true;
};

// Errors: INVALID_ARGUMENT: empty, unknown format, truncated or damaged, too large.
absl::StatusOr<Header> ReadHeader(std::span<const uint8_t> bytes,
                                  const DecodeOptions& options = {});

// The eighths of its size (1, 2, 4, 8) at which Decode gives the picture.
int EighthsFor(const Header& header, const DecodeOptions& options);

// Gray JPEG and PNG give kGray8 or kRgb8 as stored (16-bit PNG gray gives kDepth16), CMYK and YCCK
// JPEG are converted to kRgb8, PNG with alpha or a transparent colour gives kRgba8.
absl::StatusOr<Image> Decode(std::span<const uint8_t> bytes, const DecodeOptions& options = {});

// The same picture as kRgb8: gray repeated, alpha multiplied in (transparent becomes black, as the
// reference machine does), depth scaled so that its largest value is white.
Image ToRgb(const Image& image);

// quality 1..100. kDepth16 is turned into gray first.
absl::StatusOr<std::string> EncodeJpeg(const Image& image, int quality = 75);
absl::StatusOr<std::string> EncodePng(const Image& image);
std::string EncodeRawRgba(const Image& image);
// kDepth16 only, else INVALID_ARGUMENT.
absl::StatusOr<std::string> EncodeRawDepth(const Image& image);

// By MIME type ("+lazy" suffix ignored). INVALID_ARGUMENT lists what can be encoded.
absl::StatusOr<std::string> Encode(const Image& image, std::string_view mime);

}  // namespace bowerbird::image
