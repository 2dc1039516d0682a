// SPDX-License-Identifier: Apache-2.0
#include "data/pins.h"

#include <cstdint>
#include <optional>

#include "base/status.h"

namespace bowerbird::data {
namespace {

void PutNumber(uint64_t number, std::string& bytes) {
  while (number >= 0x80) {
    bytes += static_cast<char>(0x80 | (number & 0x7f));
    number >>= 7;
  }
  bytes += static_cast<char>(number);
}

std::optional<int64_t> TakeNumber(std::string_view& bytes) {
  uint64_t number = 0;
  for (int shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return static_cast<int64_t>(number);
  }
  return std::nullopt;
}

}  // namespace

std::string PackMembers(const std::vector<Member>& members) {
  std::string bytes;
  bytes.reserve(members.size() * 3);
  int64_t before = 0;
  for (const Member& member : members) {
    PutNumber(static_cast<uint64_t>(member.item - before), bytes);
    PutNumber(static_cast<uint64_t>(member.version), bytes);
    before = member.item;
  }
  return bytes;
}

absl::StatusOr<std::vector<Member>> UnpackMembers(std::string_view bytes) {
  std::vector<Member> members;
  int64_t item = 0;
  while (!bytes.empty()) {
    const auto step = TakeNumber(bytes);
    const auto version = step ? TakeNumber(bytes) : std::nullopt;
    if (!version || *step > INT64_MAX - item) {
      return absl::DataLossError("the list of a snapshot's items is damaged");
    }
    item += *step;
    members.push_back({.item = item, .version = *version});
  }
  return members;
}

absl::StatusOr<Pins> Pins::Load(Connection& connection, int64_t org) {
  Pins pins;
  RETURN_IF_ERROR(connection.Query(
      "SELECT members FROM snapshots WHERE org = $1", {org}, [&](const Row& row) -> absl::Status {
        ASSIGN_OR_RETURN(const auto members, UnpackMembers(row.Blob(0)));
        for (const Member& member : members) {
          const auto at = static_cast<size_t>(member.item);
          if (at >= pins.held_.size()) pins.held_.resize(at + at / 2 + 1);
          pins.held_[at] = true;
        }
        return absl::OkStatus();
      }));
  return pins;
}

}  // namespace bowerbird::data
