// SPDX-License-Identifier: Apache-2.0
//
// Every decoder of the room with hostile bytes. The first two bytes choose the options, so that one
// corpus covers limits, scales, and the ways pixels are used afterwards. Seeds are made at start
// and written into the first corpus folder of the command line.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/codec.h"
#include "image/exif.h"
#include "image/point_cloud.h"
#include "image/resize.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

DecodeOptions OptionsFrom(uint8_t first) {
  constexpr Size kSizes[] = {{0, 0}, {1, 1}, {32, 8}, {200, 300}};
  DecodeOptions options;
  options.max_pixels = (first & 1) != 0 ? 1 << 20 : 1 << 12;
  options.at_least = kSizes[first >> 1 & 3];
  options.apply_orientation = (first & 8) == 0;
  return options;
}

void Use(const Image& image, Size seen, uint8_t choice) {
  TensorLayout layout;
  layout.type = (choice & 1) != 0 ? TensorLayout::Type::kFloat32 : TensorLayout::Type::kUint8;
  layout.size = {1 + (choice >> 1 & 31), 17};
  layout.channels_first = (choice & 64) != 0;
  const FillOptions options{static_cast<Filter>(choice % 3), static_cast<Fit>(choice / 3 % 3), 114};
  std::vector<float> tensor(static_cast<size_t>(layout.size.width) * 17 * 3);
  const auto bytes = std::as_writable_bytes(std::span(tensor));
  const size_t used = (choice & 1) != 0 ? bytes.size() : bytes.size() / 4;
  Require(FillTensor(image, seen, layout, options, bytes.first(used)).ok());
  if ((choice & 128) != 0 && image.bytes().size() < 4096) {
    const auto png = EncodePng(image);
    Require(png.ok() && EncodeJpeg(image, choice % 100).ok());
  }
}

// Makes the checksums of a PNG right, which hardly any mutation leaves so.
std::vector<uint8_t> WithChecksums(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> out(bytes.begin(), bytes.end());
  size_t at = 8;
  while (out.size() >= 12 && at <= out.size() - 12) {
    const size_t length =
        size_t{out[at]} << 24 | size_t{out[at + 1]} << 16 | size_t{out[at + 2]} << 8 | out[at + 3];
    if (length > out.size() - at - 12) break;
    const auto crc = static_cast<uint32_t>(crc32(0, &out[at + 4], static_cast<uInt>(length + 4)));
    const std::string stored = testing::BigEndian32(crc);
    std::copy(stored.begin(), stored.end(), out.begin() + static_cast<ptrdiff_t>(at + 8 + length));
    at += 12 + length;
  }
  return out;
}

void One(std::span<const uint8_t> input) {
  if (input.size() < 2) return;
  const DecodeOptions options = OptionsFrom(input[0]);
  const uint8_t choice = input[1];
  const std::span<const uint8_t> plain = input.subspan(2);
  const bool repair = (input[0] & 16) != 0 && SniffMime(plain) == kMimePng;
  const std::vector<uint8_t> bytes =
      repair ? WithChecksums(plain) : std::vector<uint8_t>(plain.begin(), plain.end());
  (void)CheckPcd({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  Require(OrientationOfTiff(bytes) >= 1 && OrientationOfTiff(bytes) <= 8);
  const auto header = ReadHeader(bytes, options);
  const auto image = Decode(bytes, options);
  if (!image.ok()) return;
  Require(header.ok() && image->format() == header->format);
  Require(int64_t{image->width()} * image->height() <= options.max_pixels);
  if (EighthsFor(*header, options) == 8) Require(image->size() == header->size);
  Use(*image, header->size, choice);
}

std::vector<std::string> Seeds() {
  using testing::NoisePicture;
  std::vector<std::string> seeds;
  for (const PixelFormat format :
       {PixelFormat::kGray8, PixelFormat::kRgb8, PixelFormat::kRgba8, PixelFormat::kDepth16}) {
    const Image image = NoisePicture(19, 13, format);
    seeds.push_back(EncodeJpeg(image).value());
    seeds.push_back(EncodePng(image).value());
    seeds.push_back(EncodeRawRgba(NoisePicture(3, 2, format)));
  }
  seeds.push_back(EncodeRawDepth(NoisePicture(3, 2, PixelFormat::kDepth16)).value());
  seeds.push_back(testing::WithExif(seeds[0], testing::TiffWithOrientation(6, true)));
  seeds.push_back(testing::WithExif(seeds[0], testing::TiffWithOrientation(3, false)));
  const std::vector<uint8_t> rows(24 * 20 * 4, 90);
  seeds.push_back(testing::MakeJpeg(rows, 24, 20, {true, JCS_RGB, JCS_YCbCr, false, 3, 80}));
  seeds.push_back(testing::MakeJpeg(rows, 24, 20, {false, JCS_CMYK, JCS_YCCK, true, 4, 80}));
  seeds.push_back(testing::MakeJpeg(rows, 24, 20, {true, JCS_CMYK, JCS_CMYK, false, 4, 80}));
  const std::string palette = testing::PngChunk("PLTE", std::string(12, 'p')) +
                              testing::PngChunk("tRNS", std::string(4, 't')) +
                              testing::PngChunk("eXIf", testing::TiffWithOrientation(8, true));
  for (const uint8_t depth : {uint8_t{1}, uint8_t{2}, uint8_t{4}, uint8_t{8}}) {
    seeds.push_back(testing::MakePng({8, 2, depth, 3, true, palette}, std::string(60, '\0')));
    seeds.push_back(testing::MakePng({8, 2, depth, 0, false}, std::string(60, '\0')));
  }
  seeds.push_back(testing::MakePng({2, 2, 16, 6, true}, std::string(60, '\0')));
  for (const char bits : {'\x01', '\x04', '\x08', '\x18', ' '}) {
    std::string bmp("BM\0\0\0\0\0\0\0\0\x3E\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0", 28);
    bmp += bits;
    seeds.push_back(bmp + std::string(17, '\0') + '\x02' + std::string(100, '\x11'));
  }
  PointCloud cloud;
  cloud.points.resize(3);
  cloud.has_color = true;
  seeds.push_back(EncodePcd(cloud));
  return seeds;
}

}  // namespace
}  // namespace bowerbird::image

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::filesystem::path folder = (*argv)[i];
    if (!std::filesystem::is_directory(folder)) continue;
    int number = 0;
    for (const std::string& seed : bowerbird::image::Seeds()) {
      // Small limits and large, plain and repaired checksums.
      for (const char* options : {"\x10\x81", "\x11\x02", "\x07\x43"}) {
        std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary)
            << std::string(options, 2) << seed;
      }
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bowerbird::image::One({data, size});
  return 0;
}
