// SPDX-License-Identifier: Apache-2.0
//
// How a picture wants to be turned, and turning it.
#pragma once

#include <cstdint>
#include <span>

#include "image/image.h"

namespace bowerbird::image {

// The orientation (1..8) in a TIFF block, which is what EXIF is: the bytes after "Exif\0\0" in a
// JPEG, the eXIf chunk of a PNG. 1 when it is absent or the block is damaged: a picture is never
// refused for its metadata. Reads only the first directory, at most 512 entries.
int OrientationOfTiff(std::span<const uint8_t> tiff);

// The orientation of a JPEG file: walks the segments before the first scan.
int OrientationOfJpeg(std::span<const uint8_t> jpeg);

// Orientations 5 to 8 exchange width and height.
constexpr Size Oriented(Size size, int orientation) {
  return orientation >= 5 ? Size{size.height, size.width} : size;
}

// The picture as a person should see it.
Image ApplyOrientation(Image image, int orientation);

}  // namespace bowerbird::image
