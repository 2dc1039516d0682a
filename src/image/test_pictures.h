// SPDX-License-Identifier: Apache-2.0
//
// Pictures and files made at run time, for tests and fuzz seeds only.
#pragma once

#include <jpeglib.h>
#include <spng.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"

namespace bowerbird::image::testing {

inline std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Reproducible noise.
class Noise {
 public:
  explicit Noise(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  uint32_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  int Below(int limit) { return static_cast<int>(Next() % static_cast<uint32_t>(limit)); }

 private:
  uint32_t state_;
};

inline Image NoisePicture(int width, int height, PixelFormat format, uint32_t seed = 1) {
  Image image(width, height, format);
  Noise noise(seed);
  for (uint8_t& byte : image.bytes()) byte = static_cast<uint8_t>(noise.Next() >> 8);
  return image;
}

// Smooth in both directions, so that JPEG keeps it nearly.
inline Image GradientPicture(int width, int height, PixelFormat format = PixelFormat::kRgb8) {
  Image image(width, height, format);
  const int channels = BytesPerPixel(format);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int values[] = {255 * x / width, 255 * y / height, 255 - 255 * x / width, 255};
      for (int c = 0; c < channels; ++c) {
        image.row(y)[x * channels + c] = static_cast<uint8_t>(values[c]);
      }
    }
  }
  return image;
}

// Red, green, blue and white quarters: top left, top right, bottom left, bottom right.
inline Image Quarters(int width, int height) {
  constexpr uint8_t kColors[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
  Image image(width, height, PixelFormat::kRgb8);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int quarter = (y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0);
      for (int c = 0; c < 3; ++c) image.row(y)[x * 3 + c] = kColors[quarter][c];
    }
  }
  return image;
}

// A TIFF block with one entry, the orientation.
inline std::string TiffWithOrientation(int orientation, bool big_endian) {
  const char low = static_cast<char>(orientation);
  if (big_endian) {
    std::string tiff("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0", 26);
    tiff[19] = low;
    return tiff;
  }
  std::string tiff("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0", 26);
  tiff[18] = low;
  return tiff;
}

// `jpeg` with an APP1 segment right after its start.
inline std::string WithExif(const std::string& jpeg, const std::string& tiff) {
  const std::string body = std::string("Exif\0\0", 6) + tiff;
  const size_t length = body.size() + 2;
  std::string segment = "\xFF\xE1";
  segment += static_cast<char>(length >> 8);
  segment += static_cast<char>(length & 0xFF);
  return jpeg.substr(0, 2) + segment + body + jpeg.substr(2);
}

struct JpegRecipe {
  bool progressive = false;
  J_COLOR_SPACE input = JCS_RGB;  // what `rows` holds
  J_COLOR_SPACE stored = JCS_YCbCr;
  bool adobe_marker = false;
  int components = 3;
  int quality = 90;
};

// A JPEG of interleaved rows, by libjpeg itself.
inline std::string MakeJpeg(const std::vector<uint8_t>& rows, int width, int height,
                            const JpegRecipe& recipe) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = recipe.components;
  info.in_color_space = recipe.input;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, recipe.stored);
  info.write_Adobe_marker = recipe.adobe_marker ? TRUE : FALSE;
  jpeg_set_quality(&info, recipe.quality, TRUE);
  if (recipe.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < height; ++y) {
    const size_t offset = static_cast<size_t>(y) * static_cast<size_t>(width) *
                          static_cast<size_t>(recipe.components);
    JSAMPROW row = const_cast<uint8_t*>(&rows[offset]);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string out(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return out;
}

inline std::string BigEndian32(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
  return out;
}

inline std::string PngChunk(const std::string& type, const std::string& body) {
  const std::string checked = type + body;
  const auto crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size())));
  return BigEndian32(static_cast<uint32_t>(body.size())) + checked + BigEndian32(crc);
}

struct PngRecipe {
  uint32_t width = 1, height = 1;
  uint8_t depth = 8;
  uint8_t color_type = 0;  // 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA
  bool interlaced = false;
  std::string before_pixels{};  // whole chunks
};

// A PNG of rows that are already packed as PNG stores them (filter bytes included), by hand.
inline std::string MakePng(const PngRecipe& recipe, const std::string& filtered_rows) {
  std::string header = BigEndian32(recipe.width) + BigEndian32(recipe.height);
  header += static_cast<char>(recipe.depth);
  header += static_cast<char>(recipe.color_type);
  header += std::string("\0\0", 2);
  header += recipe.interlaced ? '\x01' : '\0';
  uLongf size = compressBound(static_cast<uLong>(filtered_rows.size()));
  std::string packed(size, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
            reinterpret_cast<const Bytef*>(filtered_rows.data()),
            static_cast<uLong>(filtered_rows.size()), 6);
  packed.resize(size);
  return "\x89PNG\r\n\x1A\n" + PngChunk("IHDR", header) + recipe.before_pixels +
         PngChunk("IDAT", packed) + PngChunk("IEND", "");
}

}  // namespace bowerbird::image::testing
