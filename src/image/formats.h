// SPDX-License-Identifier: Apache-2.0
//
// One reader and writer for each encoding; codec.h chooses between them by content. Readers give
// pixels as the file stores them (orientation is applied by the caller) and refuse a picture whose
// header announces more than options.max_pixels before they allocate for it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "image/codec.h"
#include "image/image.h"

namespace bowerbird::image {

using Bytes = std::span<const uint8_t>;

// OK when a picture of this size may be decoded. `what` names the format in the message.
absl::Status CheckSize(int64_t width, int64_t height, const DecodeOptions& options,
                       std::string_view what);

// The eighths (1, 2, 4, 8) at which a JPEG of size `stored` is decoded for `at_least`, both as
// stored.
int JpegEighths(Size stored, Size at_least);

absl::StatusOr<Header> ReadJpegHeader(Bytes bytes, const DecodeOptions& options);
absl::StatusOr<Image> DecodeJpeg(Bytes bytes, const Header& header, int eighths);

absl::StatusOr<Header> ReadPngHeader(Bytes bytes, const DecodeOptions& options);
absl::StatusOr<Image> DecodePng(Bytes bytes, const Header& header);

absl::StatusOr<Header> ReadBmpHeader(Bytes bytes, const DecodeOptions& options);
absl::StatusOr<Image> DecodeBmp(Bytes bytes, const Header& header);

absl::StatusOr<Header> ReadRawRgbaHeader(Bytes bytes, const DecodeOptions& options);
absl::StatusOr<Image> DecodeRawRgba(Bytes bytes, const Header& header);

absl::StatusOr<Header> ReadRawDepthHeader(Bytes bytes, const DecodeOptions& options);
absl::StatusOr<Image> DecodeRawDepth(Bytes bytes, const Header& header);

}  // namespace bowerbird::image
