// SPDX-License-Identifier: Apache-2.0
//
// Tables: CSV files with a row for each box, tag or picture, in any order and in any number of
// files. Rows are brought together by picture by sorting. What the columns mean is a dialect's
// business. Internal to this room.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/formats.h"
#include "annotation/raw_image.h"
#include "annotation/record_sorter.h"
#include "annotation/text_file.h"

namespace bowerbird::annotation {

enum class Column {
  kNone,
  kPicture,
  kLabel,
  kXMin,
  kYMin,
  kXMax,
  kYMax,
  kWidth,
  kHeight,
  kConfidence,
  kSplit,
  kTags,
  kKind,
  kSource,
};

// What the columns of one file mean.
struct Header {
  std::vector<Column> columns;
  bool pixels = true;
  bool has(Column column) const;
};

struct TableDialect {
  // nullopt: the file is none of this format's, which is no problem.
  std::optional<Header> (*header)(const std::string& file, const std::vector<std::string>& names);
  // OpenImages: what Confidence and Source mean, and LabelName may be an id that a file explains.
  bool open_images = false;
};

OpenedReader OpenTable(FileSystem& files, const ReaderOptions& options,
                       const TableDialect& dialect);

// The names of CSV's columns as people write them, without case, spaces, '_' and '-'.
Column ColumnOf(std::string_view name, bool& fractions);

}  // namespace bowerbird::annotation
