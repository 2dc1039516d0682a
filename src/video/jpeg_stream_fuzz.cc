// SPDX-License-Identifier: Apache-2.0
//
// Any bytes in any chunks: the pictures and the count of skipped bytes do not depend on the
// chunks, no picture is longer than the limit, and no byte is lost or told twice.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "video/jpeg_stream.h"

namespace {

constexpr size_t kLimit = 300;

struct Result {
  std::vector<std::string> pictures;
  uint64_t skipped = 0;
  friend bool operator==(const Result&, const Result&) = default;
};

Result Split(std::string_view bytes, size_t chunk) {
  bowerbird::video::JpegStream stream(kLimit);
  Result result;
  for (size_t i = 0; i < bytes.size(); i += chunk) {
    stream.Append(bytes.substr(i, chunk));
    while (auto picture = stream.Take()) result.pictures.push_back(*std::move(picture));
  }
  result.skipped = stream.skipped_bytes();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t chunk = size_t{1} + data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const Result whole = Split(bytes, bytes.size());
  if (Split(bytes, chunk) != whole) std::abort();
  uint64_t told = whole.skipped;
  size_t from = 0;
  for (const auto& picture : whole.pictures) {
    if (picture.size() > kLimit || picture.size() < 4) std::abort();
    const size_t at = bytes.find(picture, from);
    if (at == std::string_view::npos) std::abort();  // in order, and as it came
    from = at + picture.size();
    told += picture.size();
  }
  if (told > bytes.size()) std::abort();  // less: a picture may be unfinished
  return 0;
}
