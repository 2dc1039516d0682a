// SPDX-License-Identifier: Apache-2.0
#include "vision/decode_size.h"

#include <cstdint>

namespace bowerbird::vision {
namespace {

// extent / fraction >= 1.5 * needed, in whole numbers.
bool Suffices(int extent, int needed, int fraction) {
  return int64_t{2} * extent >= int64_t{3} * needed * fraction;
}

}  // namespace

image::Size DecodeSize(image::Size picture, image::Size needed) {
  for (const int fraction : {8, 4, 2}) {
    if (Suffices(picture.width, needed.width, fraction) &&
        Suffices(picture.height, needed.height, fraction)) {
      // Rounded down, so that exactly this fraction is enough.
      return {picture.width / fraction, picture.height / fraction};
    }
  }
  return {0, 0};
}

}  // namespace bowerbird::vision
