// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/bson.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "base/status.h"
#include "base/utf8.h"
#include "wire/machine/struct.h"

namespace bowerbird::wire {
namespace {

enum Type : uint8_t {
  kDouble = 0x01,
  kString = 0x02,
  kDocument = 0x03,
  kArray = 0x04,
  kBinary = 0x05,
  kBoolean = 0x08,
  kUtcTime = 0x09,
  kNull = 0x0a,
  kInt32 = 0x10,
  kInt64 = 0x12,
};

constexpr char kGenericBinary = '\0';

template <typename Integer>
void AppendLittleEndian(Integer value, std::string& out) {
  auto rest = static_cast<std::make_unsigned_t<Integer>>(value);
  for (size_t i = 0; i < sizeof(Integer); ++i) {
    out.push_back(static_cast<char>(rest & 0xff));
    rest = static_cast<std::make_unsigned_t<Integer>>(rest >> 8);
  }
}

void StoreLength(uint32_t value, char* at) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (8 * i));
}

}  // namespace

BsonWriter::BsonWriter() { Open(); }

void BsonWriter::Open() {
  open_.push_back(bytes_.size());
  bytes_.append(4, '\0');
}

void BsonWriter::End() {
  assert(!open_.empty());
  bytes_.push_back('\0');
  const size_t start = open_.back();
  open_.pop_back();
  StoreLength(static_cast<uint32_t>(bytes_.size() - start), bytes_.data() + start);
}

std::string BsonWriter::Take() {
  End();
  assert(open_.empty());
  return std::move(bytes_);
}

void BsonWriter::Name(uint8_t type, std::string_view name) {
  bytes_.push_back(static_cast<char>(type));
  bytes_ += Utf8(name.substr(0, name.find('\0')));
  bytes_.push_back('\0');
}

void BsonWriter::Null(std::string_view name) { Name(kNull, name); }

void BsonWriter::Bool(std::string_view name, bool value) {
  Name(kBoolean, name);
  bytes_.push_back(value ? '\1' : '\0');
}

void BsonWriter::Integer(std::string_view name, int64_t value) {
  const auto narrow = static_cast<int32_t>(value);
  if (narrow == value) {
    Name(kInt32, name);
    AppendLittleEndian(narrow, bytes_);
  } else {
    Name(kInt64, name);
    AppendLittleEndian(value, bytes_);
  }
}

void BsonWriter::Double(std::string_view name, double value) {
  Name(kDouble, name);
  AppendLittleEndian(std::bit_cast<uint64_t>(value), bytes_);
}

void BsonWriter::Text(std::string_view name, std::string_view value) {
  Name(kString, name);
  const std::string text = Utf8(value);
  AppendLittleEndian(static_cast<uint32_t>(text.size() + 1), bytes_);
  bytes_ += text;
  bytes_.push_back('\0');
}

void BsonWriter::Bytes(std::string_view name, std::string_view value) {
  Name(kBinary, name);
  AppendLittleEndian(static_cast<uint32_t>(value.size()), bytes_);
  bytes_.push_back(kGenericBinary);
  bytes_ += value;
}

void BsonWriter::Time(std::string_view name,
                      std::chrono::sys_time<std::chrono::nanoseconds> value) {
  Name(kUtcTime, name);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(value);
  AppendLittleEndian(static_cast<int64_t>(milliseconds.time_since_epoch().count()), bytes_);
}

absl::Status BsonWriter::Json(std::string_view name, const nlohmann::json& value) {
  return WriteJson(name, value, 0);
}

void BsonWriter::BeginDocument(std::string_view name) {
  Name(kDocument, name);
  Open();
}

void BsonWriter::BeginArray(std::string_view name) {
  Name(kArray, name);
  Open();
}

absl::Status BsonWriter::WriteJson(std::string_view name, const nlohmann::json& value, int depth) {
  using Kind = nlohmann::json::value_t;
  if (value.is_structured() && depth >= kMaxStructDepth)
    return InvalidArgument("a value is nested deeper than " + std::to_string(kMaxStructDepth) +
                           " levels: ask for a part of it");
  switch (value.type()) {
    case Kind::boolean:
      Bool(name, value.get<bool>());
      return absl::OkStatus();
    case Kind::number_unsigned:
      if (value.get<uint64_t>() > INT64_MAX) {
        Double(name, value.get<double>());
        return absl::OkStatus();
      }
      [[fallthrough]];
    case Kind::number_integer:
      Integer(name, value.get<int64_t>());
      return absl::OkStatus();
    case Kind::number_float:
      Double(name, value.get<double>());
      return absl::OkStatus();
    case Kind::string:
      Text(name, value.get_ref<const std::string&>());
      return absl::OkStatus();
    case Kind::object:
      BeginDocument(name);
      for (const auto& [key, item] : value.items())
        RETURN_IF_ERROR(WriteJson(key, item, depth + 1));
      End();
      return absl::OkStatus();
    case Kind::array:
      BeginArray(name);
      for (size_t i = 0; i < value.size(); ++i)
        RETURN_IF_ERROR(WriteJson(std::to_string(i), value[i], depth + 1));
      End();
      return absl::OkStatus();
    case Kind::null:
    case Kind::binary:
    case Kind::discarded:
      break;
  }
  Null(name);
  return absl::OkStatus();
}

}  // namespace bowerbird::wire
