// SPDX-License-Identifier: Apache-2.0
#include "image/point_cloud.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "image/pixels.h"

namespace bowerbird::image {
namespace {

// A header has eleven lines; files with more than this before DATA are something else.
constexpr int kMaxHeaderLines = 64;
constexpr size_t kMaxFields = 64;
constexpr uint64_t kMaxPoints = 1u << 28;

char* Put32(char* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) *to++ = static_cast<char>(value >> 8 * i & 0xFF);
  return to;
}

char* PutMetres(char* to, float millimetres) {
  return Put32(to, std::bit_cast<uint32_t>(millimetres / 1000));
}

absl::Status Damaged(std::string_view why) {
  return InvalidArgument(absl::StrCat("point cloud is not a valid PCD file: ", ToAbsl(why)));
}

// What a PCD header says about the size of its data.
struct PcdHeader {
  uint64_t points = 0;
  bool has_points = false;
  std::vector<uint64_t> sizes, counts;
  std::string_view data;  // ascii, binary, binary_compressed
  size_t body = 0;        // offset of the data

  uint64_t PointBytes() const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      bytes += sizes[i] * (i < counts.size() ? counts[i] : 1);
    }
    return bytes;
  }
};

absl::Status ReadNumbers(const std::vector<absl::string_view>& words, uint64_t most,
                         std::vector<uint64_t>& numbers) {
  if (words.size() < 2 || words.size() > kMaxFields + 1) {
    return Damaged(absl::StrCat("line ", words[0], " has ", words.size() - 1, " values"));
  }
  numbers.assign(words.size() - 1, 0);
  for (size_t i = 1; i < words.size(); ++i) {
    if (!absl::SimpleAtoi(words[i], &numbers[i - 1]) || numbers[i - 1] > most) {
      return Damaged(absl::StrCat("line ", words[0], " has \"", words[i], "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadLine(std::string_view line, PcdHeader& header) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(ToAbsl(line), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (words.empty() || words[0][0] == '#') return absl::OkStatus();
  if (words[0] == "SIZE") return ReadNumbers(words, 8, header.sizes);
  if (words[0] == "COUNT") return ReadNumbers(words, 1 << 20, header.counts);
  if (words[0] == "POINTS") {
    std::vector<uint64_t> numbers;
    RETURN_IF_ERROR(ReadNumbers(words, kMaxPoints, numbers));
    header.points = numbers[0];
    header.has_points = true;
  }
  if (words[0] == "DATA") {
    if (words.size() != 2) return Damaged("line DATA names no form");
    header.data = ToStd(words[1]);
  }
  return absl::OkStatus();
}

absl::StatusOr<PcdHeader> ReadPcdHeader(std::string_view bytes) {
  PcdHeader header;
  for (int i = 0; i < kMaxHeaderLines && header.data.empty(); ++i) {
    const size_t end = bytes.find('\n', header.body);
    if (end == std::string_view::npos) return Damaged("it ends within its header");
    RETURN_IF_ERROR(ReadLine(bytes.substr(header.body, end - header.body), header));
    header.body = end + 1;
  }
  if (header.data.empty()) return Damaged("no DATA line");
  if (!header.has_points) return Damaged("no POINTS line");
  if (header.sizes.empty()) return Damaged("no SIZE line");
  return header;
}

absl::Status CheckIntrinsics(const Image& depth, const Intrinsics& camera) {
  if (camera.size == depth.size() && camera.focal_x > 0 && camera.focal_y > 0) {
    return absl::OkStatus();
  }
  return InvalidArgument(absl::StrCat("the camera's intrinsics are for ", camera.size.width, "x",
                                      camera.size.height, " with focal lengths ", camera.focal_x,
                                      " and ", camera.focal_y, "; the depth picture has ",
                                      depth.width(), "x", depth.height()));
}

}  // namespace

std::string EncodePcd(const PointCloud& cloud) {
  const char* const color = cloud.has_color ? " rgb" : "";
  std::string out = absl::StrCat(
      "VERSION .7\nFIELDS x y z", color, "\nSIZE 4 4 4", cloud.has_color ? " 4" : "",
      "\nTYPE F F F", cloud.has_color ? " I" : "", "\nCOUNT 1 1 1", cloud.has_color ? " 1" : "",
      "\nWIDTH ", cloud.points.size(), "\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS ",
      cloud.points.size(), "\nDATA binary\n");
  const size_t header = out.size();
  out.resize(header + cloud.points.size() * (cloud.has_color ? 16 : 12));
  char* to = out.data() + header;
  for (const Point& point : cloud.points) {
    to = PutMetres(PutMetres(PutMetres(to, point.x), point.y), point.z);
    if (cloud.has_color) to = Put32(to, uint32_t{point.r} << 16 | uint32_t{point.g} << 8 | point.b);
  }
  return out;
}

absl::StatusOr<PointCloud> Project(const Image& depth, const Image* color,
                                   const std::optional<Intrinsics>& intrinsics) {
  if (depth.empty() || depth.format() != PixelFormat::kDepth16) {
    return InvalidArgument("a point cloud needs a depth picture");
  }
  if (color != nullptr && color->size() != depth.size()) {
    return InvalidArgument(absl::StrCat("colours of ", color->width(), "x", color->height(),
                                        " do not fit depth of ", depth.width(), "x",
                                        depth.height()));
  }
  if (intrinsics) RETURN_IF_ERROR(CheckIntrinsics(depth, *intrinsics));
  // Without a camera model every pixel is a millimetre wide.
  const Intrinsics camera = intrinsics.value_or(Intrinsics{});
  PointCloud cloud;
  cloud.has_color = color != nullptr;
  std::vector<uint8_t> rgb(color == nullptr ? 0 : static_cast<size_t>(depth.width()) * 3);
  const std::optional<RowReader> colors =
      color == nullptr ? std::nullopt : std::optional<RowReader>(*color);
  for (int y = 0; y < depth.height(); ++y) {
    if (colors) colors->Rgb(y, rgb.data());
    const uint16_t* row = depth.depth_row(y);
    for (int x = 0; x < depth.width(); ++x) {
      if (row[x] == 0) continue;
      const double z = row[x];
      Point point{static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)};
      if (intrinsics) {
        point.x = static_cast<float>((x - camera.center_x) / camera.focal_x * z);
        point.y = static_cast<float>((y - camera.center_y) / camera.focal_y * z);
      }
      if (colors) {
        const uint8_t* pixel = &rgb[static_cast<size_t>(x) * 3];
        point.r = pixel[0];
        point.g = pixel[1];
        point.b = pixel[2];
      }
      cloud.points.push_back(point);
    }
  }
  return cloud;
}

absl::Status CheckPcd(std::string_view bytes) {
  ASSIGN_OR_RETURN(const PcdHeader header, ReadPcdHeader(bytes));
  const std::string_view body = bytes.substr(header.body);
  if (header.data == "binary") {
    const uint64_t needed = header.points * header.PointBytes();
    if (body.size() >= needed) return absl::OkStatus();
    return Damaged(
        absl::StrCat(header.points, " points need ", needed, " bytes, it has ", body.size()));
  }
  if (header.data == "binary_compressed") {
    if (body.size() < 8) return Damaged("no room for the sizes of its compressed data");
    uint32_t compressed = 0;
    for (int i = 3; i >= 0; --i) {
      compressed = compressed << 8 | static_cast<uint8_t>(body[static_cast<size_t>(i)]);
    }
    if (body.size() - 8 >= compressed) return absl::OkStatus();
    return Damaged(
        absl::StrCat(compressed, " compressed bytes are announced, it has ", body.size() - 8));
  }
  if (header.data != "ascii") {
    return Damaged(absl::StrCat("DATA \"", ToAbsl(header.data), "\" is unknown"));
  }
  auto lines = static_cast<uint64_t>(std::count(body.begin(), body.end(), '\n'));
  if (!body.empty() && body.back() != '\n') ++lines;
  if (lines >= header.points) return absl::OkStatus();
  return Damaged(
      absl::StrCat(header.points, " points are announced, it has ", lines, " lines of them"));
}

}  // namespace bowerbird::image
