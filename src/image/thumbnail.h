// SPDX-License-Identifier: Apache-2.0
//
// Small pictures with what is to be seen in them marked: for reports.
#pragma once

#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "image/draw.h"
#include "image/picture.h"

namespace bowerbird::image {

// Pixels of the picture as a person sees it.
struct MarkedBox {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  Color color{};
};

// A JPEG of quality 70 that fits in a square of `side` pixels. Errors: those of decoding.
absl::StatusOr<std::string> MarkedThumbnail(const Picture& picture, int side,
                                            std::span<const MarkedBox> boxes);

}  // namespace bowerbird::image
