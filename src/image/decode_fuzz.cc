// SPDX-License-Identifier: Apache-2.0
//
// Every decoder of the room with hostile bytes. The first two bytes choose the options, so that one
// corpus covers limits, scales, and the ways pixels are used afterwards.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "image/codec.h"
#include "image/exif.h"
#include "image/point_cloud.h"
#include "image/resize.h"

namespace bowerbird::image {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

DecodeOptions OptionsFrom(uint8_t first) {
  constexpr Size kSizes[] = {{0, 0}, {1, 1}, {32, 8}, {200, 300}};
  DecodeOptions options;
  options.max_pixels = (first & 1) != 0 ? 1 << 20 : 1 << 12;
  options.at_least = kSizes[first >> 1 & 3];
  options.apply_orientation = (first & 8) == 0;
  return options;
}

void Use(const Image& image, Size seen, uint8_t choice) {
  TensorLayout layout;
  layout.type = (choice & 1) != 0 ? TensorLayout::Type::kFloat32 : TensorLayout::Type::kUint8;
  layout.size = {1 + (choice >> 1 & 31), 17};
  layout.channels_first = (choice & 64) != 0;
  const FillOptions options{static_cast<Filter>(choice % 3), static_cast<Fit>(choice / 3 % 3), 114};
  std::vector<float> tensor(static_cast<size_t>(layout.size.width) * 17 * 3);
  const auto bytes = std::as_writable_bytes(std::span(tensor));
  const size_t used = (choice & 1) != 0 ? bytes.size() : bytes.size() / 4;
  Require(FillTensor(image, seen, layout, options, bytes.first(used)).ok());
  if ((choice & 128) != 0 && image.bytes().size() < 4096) {
    const auto png = EncodePng(image);
    Require(png.ok() && EncodeJpeg(image, choice % 100).ok());
  }
}

void One(std::span<const uint8_t> bytes) {
  if (bytes.size() < 2) return;
  const DecodeOptions options = OptionsFrom(bytes[0]);
  const uint8_t choice = bytes[1];
  bytes = bytes.subspan(2);
  (void)CheckPcd({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  Require(OrientationOfTiff(bytes) >= 1 && OrientationOfTiff(bytes) <= 8);
  const auto header = ReadHeader(bytes, options);
  const auto image = Decode(bytes, options);
  if (!image.ok()) return;
  Require(header.ok() && image->format() == header->format);
  Require(int64_t{image->width()} * image->height() <= options.max_pixels);
  if (EighthsFor(*header, options) == 8) Require(image->size() == header->size);
  Use(*image, header->size, choice);
}

}  // namespace
}  // namespace bowerbird::image

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bowerbird::image::One({data, size});
  return 0;
}
