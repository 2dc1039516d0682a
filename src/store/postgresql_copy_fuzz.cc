// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as rows of a COPY: the same rows however they are cut, or an error.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "store/postgresql_copy.h"

namespace {

struct Copied {
  bool ok = true;
  bool is_complete = false;
  std::vector<std::string> fields;
};

Copied Copy(std::string_view bytes, size_t piece) {
  Copied copied;
  bowerbird::store::PostgresqlCopyReader reader;
  for (size_t at = 0; at < bytes.size() && copied.ok; at += piece) {
    const auto status = reader.Take(bytes.substr(at, piece), [&](const auto& row) {
      for (int column = 0; column < 3; ++column) {
        copied.fields.push_back(row.IsNull(column) ? "" : "x" + std::string(row.Blob(column)));
        (void)row.Integer(column);
      }
      return absl::OkStatus();
    });
    copied.ok = status.ok();
  }
  copied.is_complete = reader.is_complete();
  return copied;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte says where to cut.
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Copied whole = Copy(bytes, bytes.size() + 1);
  const Copied cut = Copy(bytes, size_t{data[0]} + 1);
  if (whole.ok != cut.ok || whole.fields != cut.fields) std::abort();
  if (whole.ok && whole.is_complete != cut.is_complete) std::abort();
  return 0;
}
