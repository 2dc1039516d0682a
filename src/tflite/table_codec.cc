// SPDX-License-Identifier: Apache-2.0
#include "tflite/table_codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using flatbuffers::uoffset_t;
using flatbuffers::voffset_t;

voffset_t SlotOffset(uint16_t slot) { return flatbuffers::FieldIndexToOffset(slot); }

template <typename T>
T ReadAt(const uint8_t* address) {
  T value;
  std::memcpy(&value, address, sizeof(value));
  return value;
}

// Calls `use` with a value of the C++ type that stands for the whole-number type `type`.
template <typename Use>
auto WithInteger(reflection::BaseType type, Use use) {
  switch (type) {
    case reflection::Bool:
    case reflection::UByte:
    case reflection::UType:
      return use(uint8_t{});
    case reflection::Byte:
      return use(int8_t{});
    case reflection::Short:
      return use(int16_t{});
    case reflection::UShort:
      return use(uint16_t{});
    case reflection::Int:
      return use(int32_t{});
    case reflection::UInt:
      return use(uint32_t{});
    default:
      return use(int64_t{});
  }
}

size_t SizeOf(reflection::BaseType type) {
  return WithInteger(type, []<typename T>(T) { return sizeof(T); });
}

int64_t ReadInteger(reflection::BaseType type, const uint8_t* address) {
  return WithInteger(type, [&]<typename T>(T) { return static_cast<int64_t>(ReadAt<T>(address)); });
}

void Note(std::string& unknown, const std::string& what) {
  if (unknown.empty()) unknown = what;
}

}  // namespace

std::string UnknownField(const flatbuffers::Table& source, const TableSchema& schema) {
  const auto end = ReadAt<voffset_t>(source.GetVTable());
  for (voffset_t offset = SlotOffset(static_cast<uint16_t>(schema.fields.size())); offset < end;
       offset = static_cast<voffset_t>(offset + sizeof(voffset_t))) {
    if (!source.CheckField(offset)) continue;
    const auto slot = static_cast<size_t>(offset) / sizeof(voffset_t) - 2;
    return "field " + std::to_string(slot) + " of " + std::string(schema.name);
  }
  return "";
}

Table TableReader::Read(const flatbuffers::Table& source, const TableSchema& schema,
                        std::string& unknown) {
  Table table;
  table.name_ = schema.name;
  if (std::string field = UnknownField(source, schema); !field.empty()) Note(unknown, field);
  for (const FieldSchema& field : schema.fields) {
    // The type of a union is told by the name of its table.
    if (field.type == reflection::UType) continue;
    if (field.type == reflection::Union) {
      Table member = ReadUnion(source, field, unknown);
      if (member.empty()) continue;
      std::vector<Table> one;
      one.push_back(std::move(member));
      table.fields_.push_back({field.name, std::move(one)});
    } else if (source.CheckField(SlotOffset(field.slot)) && budget_.Take(1)) {
      table.fields_.push_back({field.name, ReadValue(source, field, unknown)});
    }
  }
  return table;
}

Table TableReader::ReadUnion(const flatbuffers::Table& source, const FieldSchema& field,
                             std::string& unknown) {
  const auto type_slot = static_cast<uint16_t>(field.slot - 1);
  const auto type = source.GetField<uint8_t>(SlotOffset(type_slot), 0);
  const auto* value = source.GetPointer<const flatbuffers::Table*>(SlotOffset(field.slot));
  const auto member = std::ranges::find(field.members, int64_t{type},
                                        [](const auto& known) { return known.first; });
  if (member != field.members.end()) {
    if (value == nullptr || !budget_.Take(1)) return Table();
    return Read(*value, *member->second, unknown);
  }
  if (type != 0 || value != nullptr) {
    Note(unknown, "type " + std::to_string(type) + " of " + std::string(field.name));
  }
  return Table();
}

Table::Value TableReader::ReadValue(const flatbuffers::Table& source, const FieldSchema& field,
                                    std::string& unknown) {
  const voffset_t offset = SlotOffset(field.slot);
  switch (field.type) {
    case reflection::Float:
      return ReadAt<float>(source.GetAddressOf(offset));
    case reflection::String: {
      const auto* text = source.GetPointer<const flatbuffers::String*>(offset);
      return budget_.Take(text->size()) ? text->str() : std::string();
    }
    case reflection::Vector:
      return ReadVector(source, field, unknown);
    case reflection::Obj: {
      std::vector<Table> one;
      one.push_back(
          Read(*source.GetPointer<const flatbuffers::Table*>(offset), *field.table, unknown));
      return one;
    }
    default:
      return ReadInteger(field.type, source.GetAddressOf(offset));
  }
}

Table::Value TableReader::ReadVector(const flatbuffers::Table& source, const FieldSchema& field,
                                     std::string& unknown) {
  // The length and the elements of any vector lie as those of a vector of bytes do.
  const auto& vector =
      *source.GetPointer<const flatbuffers::Vector<uint8_t>*>(SlotOffset(field.slot));
  const size_t size = budget_.Take(vector.size()) ? vector.size() : 0;
  if (field.element == reflection::UByte) {
    return std::string(reinterpret_cast<const char*>(vector.data()), size);
  }
  if (field.element == reflection::Float) {
    std::vector<float> reals(size);
    if (size > 0) std::memcpy(reals.data(), vector.data(), size * sizeof(float));
    return reals;
  }
  if (field.element == reflection::Obj) {
    const auto& tables =
        reinterpret_cast<const flatbuffers::Vector<Offset<flatbuffers::Table>>&>(vector);
    std::vector<Table> values;
    values.reserve(size);
    for (uoffset_t i = 0; i < size; ++i) {
      values.push_back(Read(*tables.Get(i), *field.table, unknown));
    }
    return values;
  }
  std::vector<int64_t> numbers(size);
  const size_t width = SizeOf(field.element);
  for (size_t i = 0; i < size; ++i)
    numbers[i] = ReadInteger(field.element, vector.data() + i * width);
  return numbers;
}

namespace {

// One table under construction: what lies beside it is written before it starts.
class TableWriter {
 public:
  TableWriter(FlatBufferBuilder& builder, const Table& table)
      : builder_(builder), table_(table), schema_(FindTableSchema(table.name())) {}

  absl::StatusOr<Offset<void>> Write() {
    if (schema_ == nullptr) return Internal("a table without a name cannot be written");
    std::vector<Offset<void>> beside(table_.fields().size());
    for (size_t i = 0; i < beside.size(); ++i) {
      ASSIGN_OR_RETURN(beside[i], WriteBeside(table_.fields()[i]));
    }
    const uoffset_t start = builder_.StartTable();
    // Large fields first: fewer gaps, as in files of other writers.
    for (const size_t width : {size_t{8}, size_t{4}, size_t{2}, size_t{1}}) {
      for (size_t i = 0; i < beside.size(); ++i) WriteInside(table_.fields()[i], beside[i], width);
    }
    return Offset<void>(builder_.EndTable(start));
  }

 private:
  const FieldSchema& SchemaOf(const Table::Field& field) const {
    return *schema_->Find(field.name);
  }

  absl::StatusOr<Offset<void>> WriteBeside(const Table::Field& field) {
    const FieldSchema& schema = SchemaOf(field);
    if (const auto* text = std::get_if<std::string>(&field.value)) {
      if (schema.type == reflection::String) return builder_.CreateString(*text).Union();
      return WriteBytes(text->data(), text->size(), 1, schema);
    }
    if (const auto* reals = std::get_if<std::vector<float>>(&field.value)) {
      return WriteBytes(reals->data(), reals->size(), sizeof(float), schema);
    }
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&field.value)) {
      return WithInteger(schema.element, [&]<typename T>(T) {
        const std::vector<T> narrow = Narrow<T>(*numbers);
        return WriteBytes(narrow.data(), narrow.size(), sizeof(T), schema);
      });
    }
    const auto* tables = std::get_if<std::vector<Table>>(&field.value);
    if (tables == nullptr) return Offset<void>();
    std::vector<Offset<void>> offsets;
    for (const Table& table : *tables) {
      ASSIGN_OR_RETURN(offsets.emplace_back(), WriteTable(builder_, table));
    }
    if (schema.type == reflection::Vector) return builder_.CreateVector(offsets).Union();
    return offsets.at(0);
  }

  template <typename T>
  static std::vector<T> Narrow(const std::vector<int64_t>& numbers) {
    std::vector<T> narrow;
    narrow.reserve(numbers.size());
    for (const int64_t number : numbers) narrow.push_back(static_cast<T>(number));
    return narrow;
  }

  Offset<void> WriteBytes(const void* data, size_t count, size_t width, const FieldSchema& schema) {
    if (schema.alignment > 0) builder_.ForceVectorAlignment(count, width, schema.alignment);
    uint8_t* target = nullptr;
    const uoffset_t offset = builder_.CreateUninitializedVector(count, width, &target);
    if (count > 0) std::memcpy(target, data, count * width);
    return Offset<void>(offset);
  }

  // Only fields that take `width` bytes in the table.
  void WriteInside(const Table::Field& field, Offset<void> beside, size_t width) {
    const FieldSchema& schema = SchemaOf(field);
    const voffset_t offset = SlotOffset(schema.slot);
    if (const auto* number = std::get_if<int64_t>(&field.value)) {
      if (SizeOf(schema.type) != width) return;
      WithInteger(schema.type,
                  [&]<typename T>(T) { builder_.AddElement<T>(offset, static_cast<T>(*number)); });
      return;
    }
    if (const auto* real = std::get_if<float>(&field.value)) {
      if (width == sizeof(float)) builder_.AddElement<float>(offset, *real);
      return;
    }
    if (width == sizeof(uoffset_t)) builder_.AddOffset(offset, beside);
    if (schema.type == reflection::Union && width == 1) {
      const Table& member = std::get<std::vector<Table>>(field.value).front();
      const auto type_slot = static_cast<uint16_t>(schema.slot - 1);
      builder_.AddElement<uint8_t>(
          SlotOffset(type_slot),
          static_cast<uint8_t>(UnionTypeOf(*schema_, schema.name, member.name())));
    }
  }

  FlatBufferBuilder& builder_;
  const Table& table_;
  const TableSchema* schema_;
};

}  // namespace

absl::StatusOr<Offset<void>> WriteTable(FlatBufferBuilder& builder, const Table& table) {
  return TableWriter(builder, table).Write();
}

}  // namespace bowerbird::tflite
