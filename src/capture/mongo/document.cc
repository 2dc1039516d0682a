// SPDX-License-Identifier: Apache-2.0
#include "capture/mongo/document.h"

#include <climits>
#include <string>

namespace bowerbird::capture {
namespace {

// The server's own limits.
constexpr int kDeepest = 100;
constexpr uint32_t kMostBytes = 16 << 20;

bool AppendMembers(bson_t* to, const Json& from, int depth);

bool AppendWhole(bson_t* to, const std::string& key, int64_t value) {
  const auto size = static_cast<int>(key.size());
  return value >= INT32_MIN && value <= INT32_MAX
             ? bson_append_int32(to, key.data(), size, static_cast<int32_t>(value))
             : bson_append_int64(to, key.data(), size, value);
}

bool AppendNested(bson_t* to, const std::string& key, const Json& value, int depth) {
  if (depth >= kDeepest) return false;
  const auto size = static_cast<int>(key.size());
  bson_t child;
  if (value.is_array()) {
    if (!bson_append_array_begin(to, key.data(), size, &child)) return false;
    const bool appended = AppendMembers(&child, value, depth + 1);
    return bson_append_array_end(to, &child) && appended;
  }
  if (!bson_append_document_begin(to, key.data(), size, &child)) return false;
  const bool appended = AppendMembers(&child, value, depth + 1);
  return bson_append_document_end(to, &child) && appended;
}

bool Append(bson_t* to, std::string key, const Json& value, int depth) {
  key = key.substr(0, key.find('\0'));
  const auto size = static_cast<int>(key.size());
  if (value.is_structured()) return AppendNested(to, key, value, depth);
  if (value.is_boolean()) return bson_append_bool(to, key.data(), size, value.get<bool>());
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX})
    return bson_append_double(to, key.data(), size, value.get<double>());
  if (value.is_number_integer()) return AppendWhole(to, key, value.get<int64_t>());
  if (value.is_number()) return bson_append_double(to, key.data(), size, value.get<double>());
  if (!value.is_string()) return bson_append_null(to, key.data(), size);
  const auto& text = value.get_ref<const std::string&>();
  return bson_append_utf8(to, key.data(), size, text.data(), static_cast<int>(text.size()));
}

bool AppendMembers(bson_t* to, const Json& from, int depth) {
  size_t number = 0;
  for (const auto& [key, value] : from.items()) {
    const std::string& name = from.is_array() ? std::to_string(number++) : key;
    if (!Append(to, name, value, depth)) return false;
  }
  return true;
}

bool AppendTime(bson_t* to, const char* key, Time time) {
  return bson_append_date_time(
      to, key, -1, std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count());
}

}  // namespace

Bson DocumentOf(const Captured& reading) {
  Bson document(bson_new());
  const CaptureHeader& header = reading.header;
  bson_t* const to = document.get();
  const bool appended = AppendTime(to, "time_requested", reading.record.requested) &&
                        AppendTime(to, "time_received", reading.record.received) &&
                        Append(to, "component_name", header.component_name, 0) &&
                        Append(to, "component_type", header.component_type, 0) &&
                        Append(to, "method_name", header.method_name, 0) &&
                        Append(to, "data", reading.record.readings, 0);
  if (!appended || to->len > kMostBytes) document.reset();
  return document;
}

}  // namespace bowerbird::capture
