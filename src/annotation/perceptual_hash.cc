// SPDX-License-Identifier: Apache-2.0
#include "annotation/perceptual_hash.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/status.h"
#include "image/pixels.h"

namespace bowerbird::annotation {
namespace {

constexpr int kColumns = 9;
constexpr int kRows = 8;
constexpr int kDecodedSide = 64;
constexpr uint64_t kLevel = 256;  // cell means are kept in 1/256 of a gray level
constexpr uint64_t kLeastContrast = 4 * kLevel;

// Where cell `index` of `cells` begins. Cells of pictures smaller than the grid overlap.
int Begin(int index, int cells, int size) {
  return static_cast<int>(int64_t{index} * size / cells);
}
int End(int index, int cells, int size) {
  return std::max(Begin(index + 1, cells, size), Begin(index, cells, size) + 1);
}

using Cells = std::array<std::array<uint64_t, kColumns>, kRows>;

Cells MeanCells(const image::Image& image) {
  const image::RowReader rows(image);
  std::vector<uint8_t> gray(static_cast<size_t>(image.width()));
  Cells cells{};
  for (int row = 0; row < kRows; ++row) {
    const int top = Begin(row, kRows, image.height());
    const int bottom = End(row, kRows, image.height());
    for (int y = top; y < bottom; ++y) {
      rows.Gray(y, gray.data());
      for (int column = 0; column < kColumns; ++column) {
        const auto left = static_cast<size_t>(Begin(column, kColumns, image.width()));
        const auto right = static_cast<size_t>(End(column, kColumns, image.width()));
        uint64_t sum = 0;
        for (size_t x = left; x < right; ++x) sum += gray[x];
        cells[static_cast<size_t>(row)][static_cast<size_t>(column)] += sum * kLevel;
      }
    }
    for (int column = 0; column < kColumns; ++column) {
      const int width =
          End(column, kColumns, image.width()) - Begin(column, kColumns, image.width());
      cells[static_cast<size_t>(row)][static_cast<size_t>(column)] /=
          static_cast<uint64_t>(width) * static_cast<uint64_t>(bottom - top);
    }
  }
  return cells;
}

}  // namespace

std::optional<uint64_t> PerceptualHash(const image::Image& image) {
  if (image.empty()) return std::nullopt;
  const Cells cells = MeanCells(image);
  uint64_t darkest = UINT64_MAX, lightest = 0, hash = 0;
  for (const auto& row : cells) {
    for (size_t column = 0; column < row.size(); ++column) {
      darkest = std::min(darkest, row[column]);
      lightest = std::max(lightest, row[column]);
      if (column > 0) hash = hash << 1 | (row[column - 1] < row[column] ? 1u : 0u);
    }
  }
  if (lightest - darkest < kLeastContrast) return std::nullopt;
  return hash;
}

absl::StatusOr<std::optional<uint64_t>> PerceptualHashOf(const image::Picture& picture) {
  ASSIGN_OR_RETURN(const auto decoded, picture.Decoded({kDecodedSide, kDecodedSide}));
  return PerceptualHash(*decoded);
}

}  // namespace bowerbird::annotation
