// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/query_rows.h"

#include <string>
#include <utility>

#include "base/status.h"
#include "nlohmann/json.hpp"
#include "wire/hub/bson.h"

namespace bowerbird::wire {
namespace {

absl::Status WriteValue(const std::string& column, const data::SqlValue& value, BsonWriter& row) {
  using Kind = data::SqlValue::Kind;
  switch (value.kind) {
    case Kind::kNull:
      row.Null(column);
      return absl::OkStatus();
    case Kind::kInteger:
      row.Integer(column, value.integer);
      return absl::OkStatus();
    case Kind::kReal:
      row.Double(column, value.real);
      return absl::OkStatus();
    case Kind::kText:
      row.Text(column, value.text);
      return absl::OkStatus();
    case Kind::kBytes:
      row.Bytes(column, value.text);
      return absl::OkStatus();
    case Kind::kTime:
      row.Time(column, value.time);
      return absl::OkStatus();
    case Kind::kJson:
      break;
  }
  const auto json = nlohmann::json::parse(value.text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    row.Text(column, value.text);
    return absl::OkStatus();
  }
  return row.Json(column, json);
}

}  // namespace

absl::Status WriteQueryRows(const data::SqlResult& result, size_t limit,
                            viam::app::data::v1::TabularDataBySQLResponse& message) {
  size_t total = 0;
  for (const auto& values : result.rows) {
    BsonWriter row;
    for (size_t i = 0; i < values.size() && i < result.columns.size(); ++i)
      RETURN_IF_ERROR(WriteValue(result.columns[i], values[i], row));
    std::string document = row.Take();
    total += document.size() + 8;
    if (total > limit)
      return ResourceExhausted("the rows have more than " + std::to_string(limit) +
                               " bytes: ask for fewer columns, or with LIMIT");
    message.add_raw_data(std::move(document));
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::wire
