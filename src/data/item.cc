// SPDX-License-Identifier: Apache-2.0
#include "data/item.h"

#include "base/sha256.h"
#include "base/status.h"
#include "data/core.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

constexpr size_t kTimeBytes = 8;
constexpr size_t kHashBytes = 12;

bool IsFileId(std::string_view text) {
  return text.size() == 2 * (kTimeBytes + kHashBytes) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string FileIdOf(std::string_view organization_id, const NewItem& item,
                     std::string_view content_hash) {
  const int64_t t = Nanoseconds(item.time_requested);
  Sha256 hash;
  const std::string time = std::to_string(t);
  for (const std::string_view part :
       {organization_id, std::string_view(item.source.part_id),
        std::string_view(item.source.component_type), std::string_view(item.source.component_name),
        std::string_view(item.source.method_name), std::string_view(time),
        std::string_view(item.file_name), content_hash}) {
    hash.Update(std::to_string(part.size()) + ":");
    hash.Update(part);
  }
  const Sha256Digest digest = hash.Finish();
  // The sign is turned, so that the order of ids is the order of times.
  const uint64_t ordered = static_cast<uint64_t>(t) ^ (uint64_t{1} << 63);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(static_cast<unsigned char>(ordered >> shift));
  }
  bytes.append(reinterpret_cast<const char*>(digest.data()), kHashBytes);
  return HexOfBytes(bytes);
}

std::string ItemIdOf(std::string_view organization_id, std::string_view location_id,
                     std::string_view file_id) {
  std::string id(organization_id);
  id += '/';
  id += location_id;
  id += '/';
  id += file_id;
  return id;
}

absl::StatusOr<std::string> ParseItemId(const Caller& caller, std::string_view id) {
  const size_t last = id.rfind('/');
  const std::string_view file = last == std::string_view::npos ? id : id.substr(last + 1);
  const size_t first = id.find('/');
  const bool own = first == std::string_view::npos || id.substr(0, first) == caller.organization_id;
  // Whether another organization has it is none of the caller's business.
  if (!own || !IsFileId(file)) return NotFound("no binary data has the id " + std::string(id));
  return std::string(file);
}

}  // namespace bowerbird::data
