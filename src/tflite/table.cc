// SPDX-License-Identifier: Apache-2.0
#include "tflite/table.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "base/status.h"
#include "tflite/table_schema.h"

namespace bowerbird::tflite {
namespace {

const FieldSchema* FieldOf(std::string_view table, std::string_view field) {
  const TableSchema* schema = FindTableSchema(table);
  return schema == nullptr ? nullptr : schema->Find(field);
}

bool IsInteger(reflection::BaseType type) {
  return type >= reflection::Bool && type <= reflection::ULong;
}

// Whether `number` fits the type. (ULong has no field in the tables that are held as values.)
bool Fits(reflection::BaseType type, int64_t number) {
  const auto within = [&]<typename T>(T) {
    return number >= static_cast<int64_t>(std::numeric_limits<T>::min()) &&
           number <= static_cast<int64_t>(std::numeric_limits<T>::max());
  };
  switch (type) {
    case reflection::Bool:
      return number == 0 || number == 1;
    case reflection::Byte:
      return within(int8_t{});
    case reflection::UByte:
      return within(uint8_t{});
    case reflection::Short:
      return within(int16_t{});
    case reflection::UShort:
      return within(uint16_t{});
    case reflection::Int:
      return within(int32_t{});
    case reflection::UInt:
      return within(uint32_t{});
    default:
      return true;
  }
}

// Whether `value` is of the kind that `field` takes.
bool Matches(const FieldSchema& field, const Table::Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return IsInteger(field.type) && Fits(field.type, *number);
  }
  if (std::holds_alternative<float>(value)) return field.type == reflection::Float;
  if (std::holds_alternative<std::string>(value)) {
    return field.type == reflection::String ||
           (field.type == reflection::Vector && field.element == reflection::UByte);
  }
  if (const auto* tables = std::get_if<std::vector<Table>>(&value)) {
    if (field.type == reflection::Union) {
      return tables->size() == 1 && std::ranges::any_of(field.members, [&](const auto& member) {
               return member.second->name == tables->front().name();
             });
    }
    if (field.table == nullptr || (field.type == reflection::Obj && tables->size() != 1)) {
      return false;
    }
    return std::ranges::all_of(*tables,
                               [&](const Table& t) { return t.name() == field.table->name; });
  }
  if (field.type != reflection::Vector) return false;
  if (std::holds_alternative<std::vector<float>>(value)) return field.element == reflection::Float;
  return field.element != reflection::UByte && IsInteger(field.element) &&
         std::ranges::all_of(std::get<std::vector<int64_t>>(value),
                             [&](int64_t number) { return Fits(field.element, number); });
}

// Shortens what no one would read to its end.
template <typename T>
std::string ListText(const std::vector<T>& values) {
  constexpr size_t kMost = 8;
  std::string text = "[";
  for (size_t i = 0; i < std::min(values.size(), kMost); ++i) {
    if (i > 0) text += ",";
    text += std::to_string(values[i]);
  }
  if (values.size() > kMost) text += ",...";
  return text + "]";
}

std::string ValueText(const FieldSchema* field, const Table::Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (field != nullptr) {
      for (const auto& [known, name] : field->names) {
        if (known == *number) return std::string(name);
      }
      if (field->type == reflection::Bool) return *number != 0 ? "true" : "false";
    }
    return std::to_string(*number);
  }
  if (const auto* real = std::get_if<float>(&value)) return std::to_string(*real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (field != nullptr && field->type == reflection::String) return "'" + *text + "'";
    return std::to_string(text->size()) + " bytes";
  }
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&value)) return ListText(*numbers);
  if (const auto* reals = std::get_if<std::vector<float>>(&value)) return ListText(*reals);
  std::string text;
  for (const Table& table : std::get<std::vector<Table>>(value)) {
    if (!text.empty()) text += ",";
    text += std::string(table.name()) + "{" + table.Describe() + "}";
  }
  return text;
}

}  // namespace

Table::Table(std::string_view name) {
  if (const TableSchema* schema = FindTableSchema(name)) name_ = schema->name;
}

Table Table::Of(std::string_view name,
                std::initializer_list<std::pair<std::string_view, Value>> fields) {
  Table table(name);
  for (const auto& [field, value] : fields) {
    if (const absl::Status set = table.Set(field, value); !set.ok()) {
      std::cerr << "Table::Of: " << MessageOf(set) << "\n";
      std::abort();
    }
  }
  return table;
}

const Table::Value* Table::Find(std::string_view field) const {
  for (const Field& stored : fields_) {
    if (stored.name == field) return &stored.value;
  }
  return nullptr;
}

int64_t Table::Int(std::string_view field, int64_t otherwise) const {
  if (const Value* stored = Find(field)) {
    const auto* number = std::get_if<int64_t>(stored);
    return number != nullptr ? *number : otherwise;
  }
  const FieldSchema* schema = FieldOf(name_, field);
  return schema != nullptr && IsInteger(schema->type) ? schema->default_integer : otherwise;
}

float Table::Float(std::string_view field, float otherwise) const {
  if (const Value* stored = Find(field)) {
    const auto* real = std::get_if<float>(stored);
    return real != nullptr ? *real : otherwise;
  }
  const FieldSchema* schema = FieldOf(name_, field);
  return schema != nullptr && schema->type == reflection::Float ? schema->default_real : otherwise;
}

std::string_view Table::Text(std::string_view field) const {
  const Value* stored = Find(field);
  const auto* text = stored == nullptr ? nullptr : std::get_if<std::string>(stored);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

const std::vector<int64_t>& Table::Ints(std::string_view field) const {
  static const std::vector<int64_t> kNone;
  const Value* stored = Find(field);
  const auto* list = stored == nullptr ? nullptr : std::get_if<std::vector<int64_t>>(stored);
  return list == nullptr ? kNone : *list;
}

const std::vector<float>& Table::Floats(std::string_view field) const {
  static const std::vector<float> kNone;
  const Value* stored = Find(field);
  const auto* list = stored == nullptr ? nullptr : std::get_if<std::vector<float>>(stored);
  return list == nullptr ? kNone : *list;
}

const std::vector<Table>& Table::Tables(std::string_view field) const {
  static const std::vector<Table> kNone;
  const Value* stored = Find(field);
  const auto* list = stored == nullptr ? nullptr : std::get_if<std::vector<Table>>(stored);
  return list == nullptr ? kNone : *list;
}

absl::Status Table::Set(std::string_view field, Value value) {
  const TableSchema* schema = FindTableSchema(name_);
  const FieldSchema* known = schema == nullptr ? nullptr : schema->Find(field);
  if (known == nullptr) {
    return InvalidArgument(
        (empty() ? std::string("an operator without parameters") : std::string(name_)) +
        " has no field '" + std::string(field) + "'");
  }
  if (!Matches(*known, value)) {
    return InvalidArgument("the field '" + std::string(field) + "' of " + std::string(name_) +
                           " cannot hold " + ValueText(nullptr, value));
  }
  const auto slot = [&](const Field& stored) { return schema->Find(stored.name)->slot; };
  const auto at = std::ranges::lower_bound(fields_, known->slot, {}, slot);
  if (at != fields_.end() && at->name == field) {
    at->value = std::move(value);
  } else {
    fields_.insert(at, {known->name, std::move(value)});
  }
  return absl::OkStatus();
}

void Table::Clear(std::string_view field) {
  std::erase_if(fields_, [&](const Field& stored) { return stored.name == field; });
}

std::string Table::Describe() const {
  std::string text;
  for (const Field& field : fields_) {
    if (!text.empty()) text += " ";
    text += std::string(field.name) + "=" + ValueText(FieldOf(name_, field.name), field.value);
  }
  return text;
}

}  // namespace bowerbird::tflite
