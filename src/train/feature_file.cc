// SPDX-License-Identifier: Apache-2.0
#include "train/feature_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic("BBFEAT1\n");
constexpr size_t kLengthBytes = 8;
constexpr size_t kHashBytes = 32;
// More numbers than any embedding has, and few enough that sums of products fit into 64 bits.
constexpr size_t kMaxDepth = size_t{1} << 20;

absl::Status Damaged(const std::string& why) {
  return absl::DataLossError(ToAbsl(std::string(kFeatureFile) + " " + why +
                                    ": take it anew from where the model is from"));
}

std::string DigestOf(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  const Sha256Digest digest = hash.Finish();
  return {digest.begin(), digest.end()};
}

bool ReadTexts(const Json& json, std::vector<std::string>& texts) {
  if (!json.is_array()) return false;
  for (const Json& one : json) {
    if (!one.is_string()) return false;
    texts.push_back(one.get<std::string>());
  }
  return true;
}

// The object between magic and rows.
bool ReadHeader(const Json& json, FeatureFile& file) {
  const auto at = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() ? *found : Json();
  };
  if (!json.is_object() || !at("model_sha256").is_string() || !at("depth").is_number_unsigned() ||
      !at("rows").is_array() || !ReadTexts(at("taps"), file.taps))
    return false;
  file.model_hash = at("model_sha256").get<std::string>();
  file.depth = at("depth").get<size_t>();
  for (const Json& one : json["rows"]) {
    FeatureRow& row = file.rows.emplace_back();
    if (!one.is_object() || !one.contains("picture") || !one["picture"].is_string() ||
        !one.contains("labels") || !ReadTexts(one["labels"], row.labels))
      return false;
    row.picture = one["picture"].get<std::string>();
  }
  return file.depth > 0 && file.depth <= kMaxDepth;
}

int64_t Product(std::span<const int8_t> a, std::span<const int8_t> b) {
  int64_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += int64_t{a[i]} * b[i];
  return sum;
}

}  // namespace

std::vector<int8_t> DirectionOf(std::span<const float> features) {
  float largest = 0;
  for (const float value : features) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  std::vector<int8_t> direction(features.size(), 0);
  for (size_t i = 0; i < features.size() && largest > 0; ++i) {
    if (std::isfinite(features[i]))
      direction[i] = static_cast<int8_t>(std::lround(features[i] / largest * 127.0F));
  }
  return direction;
}

absl::StatusOr<std::string> WriteFeatureFile(const FeatureFile& file) {
  if (file.depth == 0 || file.depth > kMaxDepth ||
      file.values.size() != file.rows.size() * file.depth)
    return InvalidArgument(std::to_string(file.values.size()) + " features are not " +
                           std::to_string(file.rows.size()) + " rows of " +
                           std::to_string(file.depth));
  Json header = {{"model_sha256", file.model_hash},
                 {"taps", file.taps},
                 {"depth", file.depth},
                 {"rows", Json::array()}};
  for (const FeatureRow& row : file.rows)
    header["rows"].push_back({{"picture", row.picture}, {"labels", row.labels}});
  const std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string bytes(kMagic);
  for (size_t i = 0; i < kLengthBytes; ++i)
    bytes.push_back(static_cast<char>(uint64_t{text.size()} >> (8 * i)));
  bytes += text;
  bytes.append(reinterpret_cast<const char*>(file.values.data()), file.values.size());
  return bytes + DigestOf(bytes);
}

absl::StatusOr<FeatureFile> ReadFeatureFile(std::string_view bytes) {
  constexpr size_t kFrame = kMagic.size() + kLengthBytes;
  if (bytes.size() < kFrame + kHashBytes || !bytes.starts_with(kMagic))
    return Damaged("is no file of features");
  const std::string_view content = bytes.substr(0, bytes.size() - kHashBytes);
  if (DigestOf(content) != bytes.substr(content.size()))
    return Damaged("was cut off or changed since it was written");
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length |= uint64_t{static_cast<unsigned char>(content[kMagic.size() + i])} << (8 * i);
  if (length > content.size() - kFrame) return Damaged("has a header longer than itself");
  FeatureFile file;
  const Json header = Json::parse(content.substr(kFrame, length), nullptr, false);
  if (!ReadHeader(header, file)) return Damaged("has a header that cannot be read");
  const std::string_view values = content.substr(kFrame + length);
  if (values.size() / file.depth != file.rows.size() || values.size() % file.depth != 0)
    return Damaged("does not have as many rows as its header says");
  file.values.resize(values.size());
  std::memcpy(file.values.data(), values.data(), values.size());
  return file;
}

std::vector<Neighbour> Nearest(const FeatureFile& file, std::span<const int8_t> query,
                               size_t count) {
  if (query.size() != file.depth) return {};
  const auto length = static_cast<double>(Product(query, query));
  std::vector<Neighbour> all(file.rows.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const std::span<const int8_t> row = file.Row(i);
    // One root of both: of a picture and itself the cosine is one, not nearly.
    const double lengths = std::sqrt(length * static_cast<double>(Product(row, row)));
    const double cosine = lengths > 0 ? static_cast<double>(Product(query, row)) / lengths : 0;
    all[i] = {.row = i, .distance = std::clamp(1 - cosine, 0.0, 2.0)};
  }
  const size_t kept = std::min(count, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(kept),
                            [](const Neighbour& a, const Neighbour& b) {
                              return std::pair(a.distance, a.row) < std::pair(b.distance, b.row);
                            });
  all.resize(kept);
  return all;
}

}  // namespace bowerbird::train
