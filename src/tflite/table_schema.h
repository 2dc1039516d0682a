// SPDX-License-Identifier: Apache-2.0
//
// The schema of the file format as data: which fields a table has, in which slots, with which
// defaults. For the files of this room that walk tables by name; built once, then constant.
#pragma once

#include <flatbuffers/reflection_generated.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace bowerbird::tflite {

struct TableSchema;

struct FieldSchema {
  std::string_view name;
  reflection::BaseType type = reflection::None;
  reflection::BaseType element = reflection::None;  // of a vector
  const TableSchema* table = nullptr;               // of a table, or of a vector of tables
  // Of a union: its tables by type number. Slot 0 of `slot` - 1 holds that number.
  std::vector<std::pair<int64_t, const TableSchema*>> members;
  std::vector<std::pair<int64_t, std::string_view>> names;  // of an enumeration
  int64_t default_integer = 0;
  float default_real = 0;
  uint16_t slot = 0;       // number of the field in the table
  uint16_t alignment = 0;  // force_align of a vector; 0: its own
};

struct TableSchema {
  std::string_view name;            // without the namespace
  std::vector<FieldSchema> fields;  // by slot

  const FieldSchema* Find(std::string_view field) const;
};

// nullptr if the schema has no such table.
const TableSchema* FindTableSchema(std::string_view name);

// The number of the union type of `table` in the field `field` of the table `owner`; 0 if it is not
// a member.
int64_t UnionTypeOf(const TableSchema& owner, std::string_view field, std::string_view table);

}  // namespace bowerbird::tflite
