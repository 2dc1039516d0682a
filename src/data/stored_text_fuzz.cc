// SPDX-License-Identifier: Apache-2.0
//
// Texts that come back to this room: where a page ended, from clients; annotations, members and
// split rules of snapshots, from rows that a disk may have damaged; JSON of readings. Each is an
// error or a value that survives being written again.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "data/pins.h"
#include "data/selection.h"
#include "data/snapshot_rows.h"
#include "data/sources.h"
#include "data/state.h"

namespace bowerbird::data {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckToken(const std::string& text) {
  const auto position = PositionOf(text);
  if (!position.ok()) return Require(absl::IsInvalidArgument(position.status()));
  Require(position->has_value() == !text.empty());
  if (!position->has_value()) return;
  const auto again = PositionOf(TokenOf(**position));
  Require(again.ok() && (*again)->t == (*position)->t && (*again)->item == (*position)->item);
}

void CheckState(std::string_view text) {
  auto state = StateOf(text);
  if (!state.ok()) return Require(state.status().code() == absl::StatusCode::kDataLoss);
  if (!Normalize("file", 1, *state).ok()) return;
  const auto again = StateOf(BodyOf(*state));
  Require(again.ok() && again->tags == state->tags);
  Require(HashOf(*again, 640, 480) == HashOf(*state, 640, 480));
}

void CheckMembers(std::string_view bytes) {
  const auto members = UnpackMembers(bytes);
  if (!members.ok()) return Require(members.status().code() == absl::StatusCode::kDataLoss);
  const auto again = UnpackMembers(PackMembers(*members));
  Require(again.ok() && again->size() == members->size());
}

void CheckJson(std::string_view text) {
  const auto canonical = CanonicalJsonObject(text, "a reading");
  if (!canonical.ok()) return Require(absl::IsInvalidArgument(canonical.status()));
  const auto again = CanonicalJsonObject(*canonical, "a reading");
  Require(again.ok() && *again == *canonical);
}

}  // namespace
}  // namespace bowerbird::data

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::data;  // NOLINT: one function
  const std::string text(reinterpret_cast<const char*>(data), size);
  CheckToken(text);
  CheckState(text);
  CheckMembers(text);
  CheckJson(text);
  if (const auto options = SplitOptionsOf(text)) {
    Require(SplitOptionsOf(TextOf(options)).has_value());
  }
  return 0;
}
