// SPDX-License-Identifier: Apache-2.0
#include "tflite/table_schema.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "tflite/schema/model_bfbs_fb.h"

namespace bowerbird::tflite {
namespace {

std::string_view TextOf(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

std::string_view ShortName(const flatbuffers::String* text) {
  const std::string_view full = TextOf(text);
  return full.substr(full.rfind('.') + 1);
}

class Catalogue {
 public:
  Catalogue() {
    // The embedded array has no alignment of its own.
    const size_t size = schema::ModelBinarySchema::size();
    bytes_.resize((size + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    std::memcpy(bytes_.data(), schema::ModelBinarySchema::data(), size);
    const reflection::Schema& source = *reflection::GetSchema(bytes_.data());
    tables_.resize(source.objects()->size());
    for (uint32_t i = 0; i < source.objects()->size(); ++i) ReadTable(source, i);
    for (const TableSchema& table : tables_) by_name_.push_back(&table);
    std::ranges::sort(by_name_, {}, &TableSchema::name);
  }

  const TableSchema* Find(std::string_view name) const {
    const auto found = std::ranges::lower_bound(by_name_, name, {}, &TableSchema::name);
    return found != by_name_.end() && (*found)->name == name ? *found : nullptr;
  }

 private:
  void ReadTable(const reflection::Schema& source, uint32_t index) {
    const reflection::Object& object = *source.objects()->Get(index);
    TableSchema& table = tables_[index];
    table.name = ShortName(object.name());
    table.fields.resize(object.fields()->size());
    for (const reflection::Field* field : *object.fields()) {
      table.fields[field->id()] = ReadField(source, *field);
    }
  }

  FieldSchema ReadField(const reflection::Schema& source, const reflection::Field& field) {
    const reflection::Type& type = *field.type();
    FieldSchema read;
    read.name = TextOf(field.name());
    read.type = type.base_type();
    read.element = type.element();
    read.default_integer = field.default_integer();
    read.default_real = static_cast<float>(field.default_real());
    read.slot = field.id();
    if (field.attributes() != nullptr) {
      if (const auto* align = field.attributes()->LookupByKey("force_align")) {
        read.alignment = static_cast<uint16_t>(std::stoi(align->value()->str()));
      }
    }
    if (type.index() < 0) return read;
    if (read.type == reflection::Obj || read.element == reflection::Obj) {
      read.table = &tables_[static_cast<size_t>(type.index())];
    } else {
      ReadEnumeration(*source.enums()->Get(static_cast<uint32_t>(type.index())), read);
    }
    return read;
  }

  void ReadEnumeration(const reflection::Enum& source, FieldSchema& field) {
    for (const reflection::EnumVal* value : *source.values()) {
      field.names.emplace_back(value->value(), TextOf(value->name()));
      const bool is_member = field.type == reflection::Union && value->union_type() != nullptr &&
                             value->union_type()->base_type() == reflection::Obj;
      if (!is_member) continue;
      const auto index = static_cast<size_t>(value->union_type()->index());
      field.members.emplace_back(value->value(), &tables_[index]);
    }
  }

  std::vector<uint64_t> bytes_;
  std::vector<TableSchema> tables_;  // sized once: others point into it
  std::vector<const TableSchema*> by_name_;
};

}  // namespace

const FieldSchema* TableSchema::Find(std::string_view field) const {
  const auto found = std::ranges::find(fields, field, &FieldSchema::name);
  return found == fields.end() ? nullptr : &*found;
}

const TableSchema* FindTableSchema(std::string_view name) {
  static const Catalogue& catalogue = *new Catalogue();  // outlives every other static
  return catalogue.Find(name);
}

int64_t UnionTypeOf(const TableSchema& owner, std::string_view field, std::string_view table) {
  const FieldSchema* schema = owner.Find(field);
  if (schema == nullptr) return 0;
  for (const auto& [number, member] : schema->members) {
    if (member->name == table) return number;
  }
  return 0;
}

}  // namespace bowerbird::tflite
