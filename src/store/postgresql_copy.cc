// SPDX-License-Identifier: Apache-2.0
#include "store/postgresql_copy.h"

#include <bit>
#include <optional>
#include <vector>

#include "base/status.h"

namespace bowerbird::store {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr int64_t kOids = int64_t{1} << 16;  // the one flag there is; the server does not set it

// The big-endian number that takes all of `bytes`, with its sign.
int64_t NumberOf(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  const size_t unused = 64 - 8 * bytes.size();
  return unused >= 64 ? 0 : static_cast<int64_t>(number << unused) >> unused;
}

// Takes numbers and fields from the front; nothing from where the bytes end before one does.
class Front {
 public:
  explicit Front(std::string_view bytes) : bytes_(bytes) {}
  std::optional<std::string_view> Bytes(size_t size) {
    is_short_ = is_short_ || bytes_.size() - at_ < size;
    if (is_short_) return std::nullopt;
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::optional<int64_t> Number(size_t size) {
    const auto bytes = Bytes(size);
    return bytes ? std::optional(NumberOf(*bytes)) : std::nullopt;
  }
  size_t at() const { return at_; }

 private:
  const std::string_view bytes_;
  size_t at_ = 0;
  bool is_short_ = false;
};

class CopiedRow : public Row {
 public:
  explicit CopiedRow(const std::vector<std::optional<std::string_view>>& fields)
      : fields_(fields) {}
  bool IsNull(int column) const override { return !Field(column).has_value(); }
  int64_t Integer(int column) const override {
    const std::string_view bytes = Text(column);
    return bytes.size() <= sizeof(int64_t) ? NumberOf(bytes) : 0;
  }
  double Real(int column) const override { return std::bit_cast<double>(Integer(column)); }
  std::string_view Text(int column) const override { return Field(column).value_or(""); }
  std::string_view Blob(int column) const override { return Text(column); }

 private:
  std::optional<std::string_view> Field(int column) const {
    const auto at = static_cast<size_t>(column);
    return at < fields_.size() ? fields_[at] : std::nullopt;
  }
  const std::vector<std::optional<std::string_view>>& fields_;
};

absl::Status Damaged() { return Internal("PostgreSQL sent rows that cannot be read"); }

// Whether all of the row was there.
absl::StatusOr<bool> ReadFields(Front& front, int64_t count,
                                std::vector<std::optional<std::string_view>>& fields) {
  fields.clear();
  for (int64_t field = 0; field < count; ++field) {
    const auto size = front.Number(4);
    if (!size) return false;
    if (*size < -1) return Damaged();
    if (*size == -1) {
      fields.emplace_back(std::nullopt);
      continue;
    }
    const auto bytes = front.Bytes(static_cast<size_t>(*size));
    if (!bytes) return false;
    fields.emplace_back(*bytes);
  }
  return true;
}

}  // namespace

absl::Status PostgresqlCopyReader::Take(std::string_view bytes, const Connection::OnRow& row) {
  // A piece usually is whole rows, which are then read where they lie.
  if (rest_.empty()) {
    ASSIGN_OR_RETURN(const size_t read, Read(bytes, row));
    rest_ = bytes.substr(read);
    return absl::OkStatus();
  }
  rest_ += bytes;
  ASSIGN_OR_RETURN(const size_t read, Read(rest_, row));
  rest_.erase(0, read);
  return absl::OkStatus();
}

absl::StatusOr<size_t> PostgresqlCopyReader::Read(std::string_view bytes,
                                                  const Connection::OnRow& row) {
  size_t read = 0;
  if (!has_head_) {
    Front front(bytes);
    const auto signature = front.Bytes(kSignature.size());
    const auto flags = front.Number(4);
    const auto extension = front.Number(4);
    if (signature.value_or(kSignature) != kSignature || flags.value_or(0) >= kOids ||
        flags.value_or(0) < 0 || extension.value_or(0) < 0) {
      return Damaged();
    }
    if (!extension || !front.Bytes(static_cast<size_t>(*extension))) return read;
    has_head_ = true;
    read = front.at();
  }
  std::vector<std::optional<std::string_view>> fields;
  const CopiedRow view(fields);
  while (true) {
    if (is_complete_ && read < bytes.size()) return Damaged();
    Front front(bytes.substr(read));
    const auto count = front.Number(2);
    if (!count) return read;
    if (*count < -1) return Damaged();
    if (*count == -1) {
      is_complete_ = true;
      read += front.at();
      continue;
    }
    ASSIGN_OR_RETURN(const bool is_whole, ReadFields(front, *count, fields));
    if (!is_whole) return read;
    read += front.at();
    RETURN_IF_ERROR(row(view));
  }
}

}  // namespace bowerbird::store
