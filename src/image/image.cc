// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <cstring>

namespace bowerbird::image {

Image Image::Clone() const {
  if (empty()) return {};
  Image copy(width_, height_, format_);
  std::memcpy(copy.data_.get(), data_.get(), bytes_);
  return copy;
}

}  // namespace bowerbird::image
