// SPDX-License-Identifier: Apache-2.0
//
// Windows bitmaps as cameras and published test pictures use them: uncompressed, 1, 4, 8, 24 or 32
// bits a pixel. Alpha is ignored, as most writers leave it 0.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/formats.h"

namespace bowerbird::image {
namespace {

constexpr size_t kFileHeader = 14;
constexpr size_t kInfoHeader = 40;
constexpr uint32_t kUncompressed = 0;
constexpr uint32_t kBitFields = 3;

uint32_t LittleEndian(Bytes bytes, size_t at) {
  return uint32_t{bytes[at + 3]} << 24 | uint32_t{bytes[at + 2]} << 16 |
         uint32_t{bytes[at + 1]} << 8 | bytes[at];
}

// Everything the pixels depend on; all offsets are inside the file.
struct Layout {
  int width = 0, height = 0;
  bool top_down = false;
  unsigned bits = 0;
  size_t pixels = 0;   // offset of the first stored row
  size_t stride = 0;   // rows are padded to four bytes
  size_t palette = 0;  // offset of B, G, R, 0 entries
  size_t colors = 0;
};

absl::Status Damaged(std::string_view why) {
  return InvalidArgument(absl::StrCat("BMP picture is damaged or cut off: ", ToAbsl(why)));
}

// Only the byte order that the uncompressed form has too.
bool UsualMasks(Bytes bytes) {
  constexpr size_t kMasks = kFileHeader + kInfoHeader;
  return bytes.size() >= kMasks + 12 && LittleEndian(bytes, kMasks) == 0xFF0000 &&
         LittleEndian(bytes, kMasks + 4) == 0xFF00 && LittleEndian(bytes, kMasks + 8) == 0xFF;
}

absl::Status CheckDepth(Bytes bytes, unsigned bits) {
  const uint32_t compression = LittleEndian(bytes, 30);
  const bool known = bits == 1 || bits == 4 || bits == 8 || bits == 24 || bits == 32;
  const bool plain = compression == kUncompressed ||
                     (compression == kBitFields && bits == 32 && UsualMasks(bytes));
  if (known && plain) return absl::OkStatus();
  return InvalidArgument(absl::StrCat("BMP picture with ", bits, " bits a pixel and compression ",
                                      compression,
                                      " is not understood; save it uncompressed, or as PNG"));
}

absl::StatusOr<Layout> ReadLayout(Bytes bytes, const DecodeOptions& options) {
  if (bytes.size() < kFileHeader + kInfoHeader) return Damaged("no room for its header");
  const size_t info_size = LittleEndian(bytes, 14);
  if (info_size < kInfoHeader || info_size > bytes.size() - kFileHeader) {
    return Damaged(absl::StrCat("header of ", info_size, " bytes"));
  }
  Layout layout;
  const auto width = static_cast<int32_t>(LittleEndian(bytes, 18));
  const auto height = static_cast<int32_t>(LittleEndian(bytes, 22));
  RETURN_IF_ERROR(CheckSize(width, std::abs(int64_t{height}), options, "BMP"));
  layout.bits = bytes[28] | static_cast<unsigned>(bytes[29]) << 8;
  RETURN_IF_ERROR(CheckDepth(bytes, layout.bits));
  layout.width = width;
  layout.height = std::abs(height);
  layout.top_down = height < 0;
  layout.pixels = LittleEndian(bytes, 10);
  layout.stride = (static_cast<size_t>(width) * layout.bits + 31) / 32 * 4;
  const size_t needed = layout.stride * static_cast<size_t>(layout.height);
  if (layout.pixels > bytes.size() || needed > bytes.size() - layout.pixels) {
    return Damaged(absl::StrCat(width, "x", layout.height, " pixels need ", needed, " bytes"));
  }
  if (layout.bits > 8) return layout;
  layout.palette = kFileHeader + info_size;
  const size_t most = size_t{1} << layout.bits;
  const size_t used = LittleEndian(bytes, 46);
  layout.colors = std::min(used == 0 ? most : used, most);
  if (layout.colors * 4 > bytes.size() - layout.palette) return Damaged("no room for its palette");
  return layout;
}

// Colours missing from the palette are black.
void PaletteRow(Bytes bytes, const Layout& layout, const uint8_t* row, uint8_t* rgb) {
  const unsigned mask = (1u << layout.bits) - 1;
  for (int x = 0; x < layout.width; ++x, rgb += 3) {
    const size_t bit = static_cast<size_t>(x) * layout.bits;
    const size_t index = row[bit / 8] >> (8 - layout.bits - bit % 8) & mask;
    if (index >= layout.colors) {
      rgb[0] = rgb[1] = rgb[2] = 0;
      continue;
    }
    const uint8_t* color = &bytes[layout.palette + 4 * index];
    rgb[0] = color[2];
    rgb[1] = color[1];
    rgb[2] = color[0];
  }
}

}  // namespace

absl::StatusOr<Header> ReadBmpHeader(Bytes bytes, const DecodeOptions& options) {
  ASSIGN_OR_RETURN(const Layout layout, ReadLayout(bytes, options));
  Header header;
  header.mime = kMimeBmp;
  header.stored = {layout.width, layout.height};
  return header;
}

absl::StatusOr<Image> DecodeBmp(Bytes bytes, const Header& header) {
  DecodeOptions unlimited;
  unlimited.max_pixels = int64_t{header.stored.width} * header.stored.height;
  ASSIGN_OR_RETURN(const Layout layout, ReadLayout(bytes, unlimited));
  Image image(layout.width, layout.height, PixelFormat::kRgb8);
  const size_t step = layout.bits / 8;
  for (int y = 0; y < layout.height; ++y) {
    const int stored = layout.top_down ? y : layout.height - 1 - y;
    const uint8_t* row = bytes.data() + layout.pixels + layout.stride * static_cast<size_t>(stored);
    uint8_t* rgb = image.row(y);
    if (layout.bits <= 8) {
      PaletteRow(bytes, layout, row, rgb);
      continue;
    }
    for (int x = 0; x < layout.width; ++x, row += step, rgb += 3) {
      rgb[0] = row[2];
      rgb[1] = row[1];
      rgb[2] = row[0];
    }
  }
  return image;
}

}  // namespace bowerbird::image
