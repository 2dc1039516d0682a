// SPDX-License-Identifier: Apache-2.0
#include "data/core.h"

#include "base/sha256.h"
#include "base/status.h"

namespace bowerbird::data {
namespace {

int DigitOf(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  return -1;
}

}  // namespace

std::string BytesOfHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return "";
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t at = 0; at < hex.size(); at += 2) {
    const int high = DigitOf(hex[at]);
    const int low = DigitOf(hex[at + 1]);
    if (high < 0 || low < 0) return "";
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string HexOfBytes(std::string_view bytes) {
  return HexOf(std::span(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

std::string Joined(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t number : numbers) {
    if (!text.empty()) text += ',';
    text += std::to_string(number);
  }
  return text;
}

absl::StatusOr<int64_t> FindOrganization(Connection& connection, const std::string& id) {
  int64_t org = 0;
  RETURN_IF_ERROR(
      connection.Query("SELECT org FROM organizations WHERE id = $1", {id}, [&](const Row& row) {
        org = row.Integer(0);
        return absl::OkStatus();
      }));
  return org;
}

absl::StatusOr<int64_t> MakeOrganization(Connection& connection, const std::string& id) {
  if (id.empty()) return InvalidArgument("an organization is needed");
  ASSIGN_OR_RETURN(int64_t org, FindOrganization(connection, id));
  if (org != 0) return org;
  RETURN_IF_ERROR(connection.Query("INSERT INTO organizations(id) VALUES ($1) RETURNING org", {id},
                                   [&](const Row& row) {
                                     org = row.Integer(0);
                                     return absl::OkStatus();
                                   }));
  return org;
}

}  // namespace bowerbird::data
