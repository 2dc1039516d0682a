// SPDX-License-Identifier: Apache-2.0
#include "image/thumbnail.h"

#include <algorithm>

#include "base/status.h"
#include "image/codec.h"
#include "image/resize.h"

namespace bowerbird::image {
namespace {

constexpr int kQuality = 70;

}  // namespace

absl::StatusOr<std::string> MarkedThumbnail(const Picture& picture, int side,
                                            std::span<const MarkedBox> boxes) {
  ASSIGN_OR_RETURN(const Header header, picture.header());
  const double scale = static_cast<double>(side) / std::max(header.size.width, header.size.height);
  const Size size{std::max(1, static_cast<int>(header.size.width * scale)),
                  std::max(1, static_cast<int>(header.size.height * scale))};
  ASSIGN_OR_RETURN(const auto pixels, picture.Decoded(size));
  Image small = Resize(ToRgb(*pixels), size, Filter::kTriangle);
  const auto at = [scale](double value) { return static_cast<int>(value * scale); };
  for (const MarkedBox& box : boxes) {
    DrawBox(small, {at(box.x_min), at(box.y_min), at(box.x_max), at(box.y_max)}, box.color);
  }
  return EncodeJpeg(small, kQuality);
}

}  // namespace bowerbird::image
