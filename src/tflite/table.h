// SPDX-License-Identifier: Apache-2.0
//
// One table of the file format as plain values: the parameters of an operator, the details of a
// quantisation. Fields have the names of schema/*.fbs; whatever the schema knows of a table that
// was read is in here and is written back. Names of tables and fields live as long as the program.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"

namespace bowerbird::tflite {

class Table {
 public:
  // Whole numbers, truth values and enumerations are int64_t; [ubyte] is a std::string of bytes; a
  // table or union within the table is a vector of one.
  using Value = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                             std::vector<Table>>;
  struct Field {
    std::string_view name;
    Value value;
    bool operator==(const Field&) const;
  };

  // No table at all: an operator without parameters.
  Table() = default;
  // An empty table of the schema, "Conv2DOptions". A name that the schema lacks gives no table.
  explicit Table(std::string_view name);
  // For fields known when the program is written; one that the table lacks ends the program.
  static Table Of(std::string_view name,
                  std::initializer_list<std::pair<std::string_view, Value>> fields);

  bool empty() const { return name_.empty(); }
  std::string_view name() const { return name_; }
  // Those that are stored, in the order of the schema. The others have their defaults.
  const std::vector<Field>& fields() const { return fields_; }

  // The value of `field`: as stored, else the schema's default, else (this table has no such field,
  // or one of another kind, as in a damaged file) `otherwise` or nothing.
  int64_t Int(std::string_view field, int64_t otherwise = 0) const;
  bool Bool(std::string_view field) const { return Int(field) != 0; }
  float Float(std::string_view field, float otherwise = 0) const;
  std::string_view Text(std::string_view field) const;
  const std::vector<int64_t>& Ints(std::string_view field) const;
  const std::vector<float>& Floats(std::string_view field) const;
  const std::vector<Table>& Tables(std::string_view field) const;

  bool Has(std::string_view field) const { return Find(field) != nullptr; }
  // INVALID_ARGUMENT: the table has no such field, or one of another kind or range.
  absl::Status Set(std::string_view field, Value value);
  void Clear(std::string_view field);

  // "padding=SAME stride_w=2": the stored fields with the names of enumerations, for people.
  std::string Describe() const;

  bool operator==(const Table&) const = default;

 private:
  friend class TableReader;
  const Value* Find(std::string_view field) const;

  std::string_view name_;
  std::vector<Field> fields_;
};

inline bool Table::Field::operator==(const Field& other) const {
  return name == other.name && value == other.value;
}

}  // namespace bowerbird::tflite
