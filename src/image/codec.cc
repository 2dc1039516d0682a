// SPDX-License-Identifier: Apache-2.0
#include "image/codec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/exif.h"
#include "image/formats.h"
#include "image/pixels.h"

namespace bowerbird::image {
namespace {

bool StartsWith(Bytes bytes, std::string_view magic, size_t offset = 0) {
  return bytes.size() >= offset + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<ptrdiff_t>(offset),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

// Names what people send by mistake, so that the message can say more than "unknown".
std::string_view ForeignFormat(Bytes bytes) {
  if (StartsWith(bytes, "GIF8")) return "GIF";
  if (StartsWith(bytes, "RIFF") && StartsWith(bytes, "WEBP", 8)) return "WebP";
  if (StartsWith(bytes, "ftyp", 4)) return "HEIF, AVIF or MP4";
  if (StartsWith(bytes, std::string_view("II*\0", 4)) ||
      StartsWith(bytes, std::string_view("MM\0*", 4))) {
    return "TIFF";
  }
  if (StartsWith(bytes, "# .PCD")) return "PCD";
  return "";
}

absl::Status UnknownFormat(Bytes bytes) {
  if (bytes.empty()) return InvalidArgument("picture has 0 bytes");
  const std::string_view foreign = ForeignFormat(bytes);
  const std::string found =
      foreign.empty() ? std::string("is in no known format") : absl::StrCat("is ", ToAbsl(foreign));
  return InvalidArgument(absl::StrCat("picture of ", bytes.size(), " bytes ", found,
                                      "; send JPEG, PNG, BMP, ", ToAbsl(kMimeRawRgba), " or ",
                                      ToAbsl(kMimeRawDepth)));
}

absl::StatusOr<Header> ReadStoredHeader(Bytes bytes, const DecodeOptions& options) {
  const std::string_view mime = SniffMime(bytes);
  if (mime == kMimeJpeg) return ReadJpegHeader(bytes, options);
  if (mime == kMimePng) return ReadPngHeader(bytes, options);
  if (mime == kMimeRawRgba) return ReadRawRgbaHeader(bytes, options);
  if (mime == kMimeRawDepth) return ReadRawDepthHeader(bytes, options);
  if (mime == kMimeBmp) return ReadBmpHeader(bytes, options);
  return UnknownFormat(bytes);
}

absl::StatusOr<Image> DecodeStored(Bytes bytes, const Header& header,
                                   const DecodeOptions& options) {
  if (header.mime == kMimeJpeg) return DecodeJpeg(bytes, header, EighthsFor(header, options));
  if (header.mime == kMimePng) return DecodePng(bytes, header);
  if (header.mime == kMimeRawRgba) return DecodeRawRgba(bytes, header);
  if (header.mime == kMimeRawDepth) return DecodeRawDepth(bytes, header);
  return DecodeBmp(bytes, header);
}

}  // namespace

std::string_view SniffMime(Bytes bytes) {
  if (StartsWith(bytes, "\xFF\xD8\xFF")) return kMimeJpeg;
  if (StartsWith(bytes, "\x89PNG\r\n\x1A\n")) return kMimePng;
  if (StartsWith(bytes, "RGBA")) return kMimeRawRgba;
  if (StartsWith(bytes, "DEPTHMAP")) return kMimeRawDepth;
  if (StartsWith(bytes, "BM")) return kMimeBmp;
  return "";
}

std::string_view PlainMime(std::string_view mime) {
  constexpr std::string_view kLazy = "+lazy";
  if (mime.ends_with(kLazy)) mime.remove_suffix(kLazy.size());
  return mime == "image/jpg" ? kMimeJpeg : mime;
}

absl::Status CheckSize(int64_t width, int64_t height, const DecodeOptions& options,
                       std::string_view what) {
  if (width < 1 || height < 1) {
    return InvalidArgument(
        absl::StrCat(ToAbsl(what), " picture has no pixels: ", width, "x", height));
  }
  if (width > options.max_pixels / height) {
    return InvalidArgument(absl::StrCat(ToAbsl(what), " picture of ", width, "x", height,
                                        " is larger than the limit of ", options.max_pixels,
                                        " pixels: scale it down first"));
  }
  return absl::OkStatus();
}

int EighthsFor(const Header& header, const DecodeOptions& options) {
  if (header.mime != kMimeJpeg) return 8;
  // Turning back a turn is the same exchange of width and height.
  return JpegEighths(header.stored, options.apply_orientation
                                        ? Oriented(options.at_least, header.orientation)
                                        : options.at_least);
}

absl::StatusOr<Header> ReadHeader(Bytes bytes, const DecodeOptions& options) {
  ASSIGN_OR_RETURN(Header header, ReadStoredHeader(bytes, options));
  header.size =
      options.apply_orientation ? Oriented(header.stored, header.orientation) : header.stored;
  return header;
}

absl::StatusOr<Image> Decode(Bytes bytes, const DecodeOptions& options) {
  ASSIGN_OR_RETURN(const Header header, ReadStoredHeader(bytes, options));
  ASSIGN_OR_RETURN(Image image, DecodeStored(bytes, header, options));
  return options.apply_orientation ? ApplyOrientation(std::move(image), header.orientation)
                                   : std::move(image);
}

Image ToRgb(const Image& image) {
  if (image.empty() || image.format() == PixelFormat::kRgb8) return image.Clone();
  Image rgb(image.width(), image.height(), PixelFormat::kRgb8);
  const RowReader reader(image);
  for (int y = 0; y < image.height(); ++y) reader.Rgb(y, rgb.row(y));
  return rgb;
}

absl::StatusOr<std::string> Encode(const Image& image, std::string_view mime) {
  const std::string_view plain = PlainMime(mime);
  if (plain == kMimeJpeg) return EncodeJpeg(image);
  if (plain == kMimePng) return EncodePng(image);
  if (plain == kMimeRawDepth) return EncodeRawDepth(image);
  if (plain == kMimeRawRgba) {
    if (image.empty()) return InvalidArgument("cannot encode an empty picture");
    return EncodeRawRgba(image);
  }
  return InvalidArgument(absl::StrCat("cannot encode a picture as \"", ToAbsl(mime), "\"; ask for ",
                                      ToAbsl(kMimeJpeg), ", ", ToAbsl(kMimePng), ", ",
                                      ToAbsl(kMimeRawRgba), " or ", ToAbsl(kMimeRawDepth)));
}

}  // namespace bowerbird::image
