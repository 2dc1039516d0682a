// SPDX-License-Identifier: Apache-2.0
#include "image/exif.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace bowerbird::image {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kShortType = 3;
constexpr int kMaxEntries = 512;
constexpr size_t kEntrySize = 12;

class TiffReader {
 public:
  TiffReader(std::span<const uint8_t> bytes, bool big_endian)
      : bytes_(bytes), big_endian_(big_endian) {}

  bool Has(size_t offset, size_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  uint16_t U16(size_t offset) const {
    const unsigned first = bytes_[offset], second = bytes_[offset + 1];
    return static_cast<uint16_t>(big_endian_ ? first << 8 | second : second << 8 | first);
  }
  uint32_t U32(size_t offset) const {
    const uint32_t first = U16(offset), second = U16(offset + 2);
    return big_endian_ ? first << 16 | second : second << 16 | first;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

// Where pixel (x, y) of the result comes from: origin + x * step_x + y * step_y, in pixels.
struct Walk {
  ptrdiff_t origin, step_x, step_y;
};

Walk WalkFor(int width, int height, int orientation) {
  const ptrdiff_t row = width, last_x = width - 1, last_y = (height - 1) * row;
  switch (orientation) {
    case 2:
      return {last_x, -1, row};
    case 3:
      return {last_y + last_x, -1, -row};
    case 4:
      return {last_y, 1, -row};
    case 5:
      return {0, row, 1};
    case 6:
      return {last_y, -row, 1};
    case 7:
      return {last_y + last_x, -row, -1};
    case 8:
      return {last_x, row, -1};
    default:
      return {0, 1, row};
  }
}

// Copies in square blocks, so that neither side leaves the cache when rows become columns.
template <int kBytes>
void Turn(const Image& from, const Walk& walk, Image& to) {
  constexpr int kBlock = 32;
  for (int top = 0; top < to.height(); top += kBlock) {
    const int bottom = std::min(top + kBlock, to.height());
    for (int left = 0; left < to.width(); left += kBlock) {
      const int right = std::min(left + kBlock, to.width());
      for (int y = top; y < bottom; ++y) {
        ptrdiff_t source = walk.origin + left * walk.step_x + y * walk.step_y;
        uint8_t* target = to.row(y) + left * kBytes;
        for (int x = left; x < right; ++x, source += walk.step_x, target += kBytes) {
          std::memcpy(target, from.row(0) + source * kBytes, kBytes);
        }
      }
    }
  }
}

}  // namespace

int OrientationOfTiff(std::span<const uint8_t> tiff) {
  if (tiff.size() < 8) return 1;
  const bool big_endian = tiff[0] == 'M' && tiff[1] == 'M';
  if (!big_endian && !(tiff[0] == 'I' && tiff[1] == 'I')) return 1;
  const TiffReader reader(tiff, big_endian);
  if (reader.U16(2) != 42) return 1;
  const size_t directory = reader.U32(4);
  if (!reader.Has(directory, 2)) return 1;
  const int entries = std::min<int>(reader.U16(directory), kMaxEntries);
  for (int i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + static_cast<size_t>(i) * kEntrySize;
    if (!reader.Has(entry, kEntrySize)) return 1;
    if (reader.U16(entry) != kOrientationTag) continue;
    if (reader.U16(entry + 2) != kShortType || reader.U32(entry + 4) != 1) return 1;
    const int orientation = reader.U16(entry + 8);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

int OrientationOfJpeg(std::span<const uint8_t> jpeg) {
  constexpr uint8_t kExif[] = {'E', 'x', 'i', 'f', 0, 0};
  size_t at = 2;  // after SOI
  while (at + 4 <= jpeg.size() && jpeg[at] == 0xFF) {
    const uint8_t marker = jpeg[at + 1];
    if (marker == 0xFF) {  // padding
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) return 1;
    const size_t length = static_cast<size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3];
    if (length < 2 || length > jpeg.size() - at - 2) return 1;
    const auto body = jpeg.subspan(at + 4, length - 2);
    if (marker == 0xE1 && body.size() > sizeof(kExif) &&
        std::equal(std::begin(kExif), std::end(kExif), body.begin())) {
      return OrientationOfTiff(body.subspan(sizeof(kExif)));
    }
    at += 2 + length;
  }
  return 1;
}

Image ApplyOrientation(Image image, int orientation) {
  if (image.empty() || orientation <= 1 || orientation > 8) return image;
  const Size size = Oriented(image.size(), orientation);
  Image turned(size.width, size.height, image.format());
  const Walk walk = WalkFor(image.width(), image.height(), orientation);
  switch (BytesPerPixel(image.format())) {
    case 1:
      Turn<1>(image, walk, turned);
      break;
    case 2:
      Turn<2>(image, walk, turned);
      break;
    case 3:
      Turn<3>(image, walk, turned);
      break;
    default:
      Turn<4>(image, walk, turned);
      break;
  }
  return turned;
}

}  // namespace bowerbird::image
