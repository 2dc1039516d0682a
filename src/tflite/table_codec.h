// SPDX-License-Identifier: Apache-2.0
//
// Tables (table.h) out of a verified FlatBuffer and back into one. For the files of this room.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "tflite/table.h"
#include "tflite/table_schema.h"

namespace bowerbird::tflite {

// What all copies out of one file may add up to, in elements and characters. Without a limit a
// small file whose tables all share one long vector would fill the memory.
class CopyBudget {
 public:
  explicit CopyBudget(size_t elements) : left_(elements) {}

  // False, from then on always, if there is not enough left.
  bool Take(size_t count) {
    if (count > left_) exceeded_ = true;
    if (exceeded_) return false;
    left_ -= count;
    return true;
  }
  bool exceeded() const { return exceeded_; }

 private:
  size_t left_;
  bool exceeded_ = false;
};

// "field 9 of Conv2DOptions" if `source` has a field that the schema does not; else empty.
std::string UnknownField(const flatbuffers::Table& source, const TableSchema& schema);

class TableReader {
 public:
  explicit TableReader(CopyBudget& budget) : budget_(budget) {}

  // `source` has been verified as a table of `schema`. Adds to `unknown` what the schema lacks.
  Table Read(const flatbuffers::Table& source, const TableSchema& schema, std::string& unknown);
  // The table in the union `field` of `source`; none if the union is empty or unknown.
  Table ReadUnion(const flatbuffers::Table& source, const FieldSchema& field, std::string& unknown);

 private:
  Table::Value ReadValue(const flatbuffers::Table& source, const FieldSchema& field,
                         std::string& unknown);
  Table::Value ReadVector(const flatbuffers::Table& source, const FieldSchema& field,
                          std::string& unknown);

  CopyBudget& budget_;
};

// Children first, then the table. INTERNAL: `table` is none of the schema's.
absl::StatusOr<flatbuffers::Offset<void>> WriteTable(flatbuffers::FlatBufferBuilder& builder,
                                                     const Table& table);

}  // namespace bowerbird::tflite
