// SPDX-License-Identifier: Apache-2.0
//
// A 64-bit hash of what a picture looks like: pictures that differ by compression, a little light
// or a little noise have hashes that differ in few bits.
//
// It is a difference hash: the picture as a person sees it, in gray (BT.601), reduced to 9x8 by
// averaging; bit 63 - (8 * row + column) is set where a cell is darker than its right neighbour.
// The reduction is in whole numbers, so a picture has the same hash on every machine whose decoder
// gives the same pixels (libjpeg-turbo's reduced sizes do not: always hash the same decoded form,
// PerceptualHashOf does).
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "image/picture.h"

namespace bowerbird::annotation {

// nullopt for pictures without structure (all cells within 4 levels of 255): their hashes would say
// that a black frame is a near-duplicate of a white one.
std::optional<uint64_t> PerceptualHash(const image::Image& image);

// Decodes at the smallest scale of at least 64x64. Errors are those of decoding.
absl::StatusOr<std::optional<uint64_t>> PerceptualHashOf(const image::Picture& picture);

// The number of different bits.
inline uint32_t HammingDistance(uint64_t a, uint64_t b) {
  return static_cast<uint32_t>(std::popcount(a ^ b));
}

}  // namespace bowerbird::annotation
