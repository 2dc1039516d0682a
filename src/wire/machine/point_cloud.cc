// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/point_cloud.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace bowerbird::wire {
namespace {

constexpr double kMillimetresPerMetre = 1000;
constexpr size_t kMaxHeaderLines = 64;

// What of a PCD header is needed to walk over its records.
struct Layout {
  std::array<size_t, 3> offsets{};  // of x, y, z inside a record
  size_t record = 0;
  size_t points = 0;
  std::string_view data;
};

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::optional<size_t> Number(std::string_view word) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

using Header = std::map<std::string_view, std::vector<std::string_view>>;

// The lines up to DATA, by their first word; `rest` is what follows.
std::optional<Header> ReadHeader(std::string_view pcd, std::string_view& rest) {
  Header header;
  for (size_t lines = 0; lines < kMaxHeaderLines; ++lines) {
    const size_t end = pcd.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    auto words = Words(pcd.substr(0, end));
    pcd.remove_prefix(end + 1);
    if (words.empty() || words[0].starts_with('#')) continue;
    const std::string_view key = words[0];
    words.erase(words.begin());
    header[key] = std::move(words);
    if (key != "DATA") continue;
    rest = pcd;
    return header;
  }
  return std::nullopt;
}

std::optional<Layout> ReadLayout(std::string_view pcd) {
  Layout layout;
  auto header = ReadHeader(pcd, layout.data);
  if (!header.has_value()) return std::nullopt;
  const auto &fields = (*header)["FIELDS"], &sizes = (*header)["SIZE"], &types = (*header)["TYPE"],
             &counts = (*header)["COUNT"];
  const bool complete = sizes.size() == fields.size() && types.size() == fields.size() &&
                        (counts.empty() || counts.size() == fields.size());
  if (!complete || (*header)["DATA"] != std::vector<std::string_view>{"binary"})
    return std::nullopt;
  int found = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto size = Number(sizes[i]);
    const auto count = counts.empty() ? std::optional<size_t>(1) : Number(counts[i]);
    if (!size.has_value() || !count.has_value() || *size > 8) return std::nullopt;
    const size_t axis = std::string_view("xyz").find(fields[i]);
    if (fields[i].size() == 1 && axis != std::string_view::npos) {
      if (*size != 4 || *count != 1 || types[i] != "F") return std::nullopt;
      layout.offsets[axis] = layout.record;
      ++found;
    }
    layout.record += *size * *count;  // at most 2^35 a field, so no overflow
  }
  const auto& points = (*header)["POINTS"];
  const auto number = points.size() == 1 ? Number(points[0]) : std::nullopt;
  if (found != 3 || !number.has_value()) return std::nullopt;
  layout.points = *number;
  return layout;
}

// Little-endian, as every PCD file in use and every host this program runs on.
double ReadFloat(const char* bytes) {
  float value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

}  // namespace

std::optional<Bounds> BoundsOfPcd(std::string_view pcd) {
  const auto layout = ReadLayout(pcd);
  if (!layout.has_value() || layout->data.size() / layout->record < layout->points)
    return std::nullopt;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Bounds bounds{{kInfinity, kInfinity, kInfinity}, {-kInfinity, -kInfinity, -kInfinity}};
  bool any = false;
  for (size_t i = 0; i < layout->points; ++i) {
    const char* record = layout->data.data() + i * layout->record;
    const double x = ReadFloat(record + layout->offsets[0]);
    const double y = ReadFloat(record + layout->offsets[1]);
    const double z = ReadFloat(record + layout->offsets[2]);
    if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z)) continue;
    any = true;
    bounds.min = {std::min(bounds.min.x, x), std::min(bounds.min.y, y), std::min(bounds.min.z, z)};
    bounds.max = {std::max(bounds.max.x, x), std::max(bounds.max.y, y), std::max(bounds.max.z, z)};
  }
  return any ? std::optional(bounds) : std::nullopt;
}

void WritePointCloudObject(std::string_view pcd, std::string_view label,
                           std::string_view reference_frame,
                           viam::common::v1::PointCloudObject& message) {
  message.set_point_cloud(pcd.data(), pcd.size());
  auto& geometries = *message.mutable_geometries();
  geometries.set_reference_frame(Utf8(reference_frame));
  const auto bounds = BoundsOfPcd(pcd);
  if (!bounds.has_value()) return;
  auto& geometry = *geometries.add_geometries();
  geometry.set_label(Utf8(label));
  const auto& [min, max] = *bounds;
  RigidPose center;
  center.translation = {(min.x + max.x) / 2 * kMillimetresPerMetre,
                        (min.y + max.y) / 2 * kMillimetresPerMetre,
                        (min.z + max.z) / 2 * kMillimetresPerMetre};
  *geometry.mutable_center() = ToPose(center);
  auto& edges = *geometry.mutable_box()->mutable_dims_mm();
  edges.set_x((max.x - min.x) * kMillimetresPerMetre);
  edges.set_y((max.y - min.y) * kMillimetresPerMetre);
  edges.set_z((max.z - min.z) * kMillimetresPerMetre);
}

}  // namespace bowerbird::wire
