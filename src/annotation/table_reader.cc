// SPDX-License-Identifier: Apache-2.0
#include "annotation/table_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "annotation/numbers.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxFiles = 100'000;
constexpr size_t kMaxNamedLabels = 1'000'000;

// A row while it is sorted: which columns it has, as text.
constexpr size_t kColumns = static_cast<size_t>(Column::kSource) + 1;
struct Row {
  uint64_t file = 0, line = 0;
  bool pixels = true;
  std::array<std::string, kColumns> fields;
  const std::string& at(Column column) const { return fields[static_cast<size_t>(column)]; }
};

void PutNumber(std::string& text, uint64_t number) {
  text.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

std::string Packed(const Row& row) {
  std::string text;
  PutNumber(text, row.file);
  PutNumber(text, row.line << 1 | (row.pixels ? 1 : 0));
  for (const std::string& field : row.fields) {
    PutNumber(text, field.size());
    text += field;
  }
  return text;
}

Row Unpacked(std::string_view text) {
  const auto number = [&] {
    uint64_t value = 0;
    std::memcpy(&value, text.data(), sizeof(value));
    text.remove_prefix(sizeof(value));
    return value;
  };
  Row row;
  row.file = number();
  row.line = number();
  row.pixels = (row.line & 1) != 0;
  row.line >>= 1;
  for (std::string& field : row.fields) {
    const size_t size = number();
    field = text.substr(0, size);
    text.remove_prefix(size);
  }
  return row;
}

class TableReader : public QueueReader {
 public:
  TableReader(std::unique_ptr<Input> input, const TableDialect& dialect)
      : input_(std::move(input)),
        dialect_(dialect),
        sorter_(input_->folder().files(),
                {input_->options().scratch, input_->options().sort_memory}) {}

  absl::Status Begin() {
    while (true) {
      ASSIGN_OR_RETURN(const auto file, input_->Next());
      for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
      if (!file.has_value()) break;
      const absl::Status read = ReadTable(*file);
      if (!read.ok()) Report(Problem::Kind::kFileSkipped, *file, "", MessageOf(read));
    }
    if (!any_table_) {
      return InvalidArgument(
          "there is no table with a column for the picture (filename, image, ImageID, ...) in its "
          "first line");
    }
    RETURN_IF_ERROR(sorter_.Sort());
    return Step();
  }

 protected:
  absl::StatusOr<bool> Advance() override {
    if (!more_) return false;
    const std::string key = key_;
    RawImage raw{.picture = key};
    rows_.clear();
    while (more_ && key_ == key) {
      const Row row = Unpacked(value_);
      if (raw.file.empty()) {
        raw.file = files_[row.file];
        raw.place = "line " + std::to_string(row.line);
      }
      if (raw.boxes.size() <= kMaxBoxesOfPicture) Take(row, raw);
      RETURN_IF_ERROR(Step());
    }
    Deliver(input_->pictures(), std::move(raw), events_);
    return true;
  }

 private:
  absl::Status Step() {
    std::string_view key, value;
    ASSIGN_OR_RETURN(more_, sorter_.Next(key, value));
    key_ = key;
    value_ = value;
    return absl::OkStatus();
  }

  absl::Status ReadTable(const std::string& file) {
    ASSIGN_OR_RETURN(auto opened, input_->folder().Open(file));
    CsvFile csv(std::move(opened));
    CsvFile::Row fields;
    ASSIGN_OR_RETURN(const bool any, csv.Next(fields));
    if (!any) return InvalidArgument("the file is empty");
    if (dialect_.open_images && fields.fields.size() == 2 && fields.fields[0].starts_with('/')) {
      return ReadLabelNames(csv, fields);
    }
    for (std::string& name : fields.fields) name = Trimmed(name);
    const auto header = dialect_.header(file, fields.fields);
    if (!header.has_value()) {
      return InvalidArgument(
          "no column of the first line names the picture (filename, image, ...)");
    }
    if (files_.size() == kMaxFiles) return ResourceExhausted("more than 100000 tables");
    any_table_ = true;
    files_.push_back(file);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, csv.Next(fields));
      if (!more) return absl::OkStatus();
      RETURN_IF_ERROR(KeepRow(file, *header, fields));
    }
  }

  absl::Status KeepRow(const std::string& file, const Header& header, CsvFile::Row& fields) {
    if (fields.fields.size() > header.columns.size()) {
      Report(Problem::Kind::kAnnotationSkipped, file, "line " + std::to_string(fields.line),
             "the row has " + std::to_string(fields.fields.size()) +
                 " fields, the first line has " + std::to_string(header.columns.size()) +
                 ": put fields with commas into double quotes");
      return absl::OkStatus();
    }
    Row row{.file = files_.size() - 1, .line = fields.line, .pixels = header.pixels, .fields = {}};
    for (size_t i = 0; i < fields.fields.size(); ++i) {
      if (header.columns[i] == Column::kNone) continue;
      row.fields[static_cast<size_t>(header.columns[i])] = std::move(fields.fields[i]);
    }
    const std::string picture = row.at(Column::kPicture);
    if (picture.empty()) {
      Report(Problem::Kind::kAnnotationSkipped, file, "line " + std::to_string(fields.line),
             "the row names no picture: name it");
      return absl::OkStatus();
    }
    return sorter_.Add(picture, Packed(row));
  }

  // "/m/011k07,Tortoise"
  absl::Status ReadLabelNames(CsvFile& csv, CsvFile::Row& row) {
    for (bool more = true; more;) {
      if (row.fields.size() == 2 && label_names_.size() < kMaxNamedLabels) {
        label_names_[row.fields[0]] = row.fields[1];
      }
      ASSIGN_OR_RETURN(more, csv.Next(row));
    }
    return absl::OkStatus();
  }

  void Skip(const Row& row, std::string what) {
    Report(Problem::Kind::kAnnotationSkipped, files_[row.file], "line " + std::to_string(row.line),
           std::move(what));
  }

  void Take(const Row& row, RawImage& raw) {
    if (raw.width == 0) {
      raw.width = ParseNumber(row.at(Column::kWidth)).value_or(0);
      raw.height = ParseNumber(row.at(Column::kHeight)).value_or(0);
    }
    if (!raw.split.has_value()) raw.split = SplitOf(row.at(Column::kSplit));
    if (!raw.split.has_value()) raw.split = SplitOfName(files_[row.file]);
    for (std::string_view rest = row.at(Column::kTags); !rest.empty();) {
      const std::string_view tag = rest.substr(0, rest.find_first_of(";|,"));
      rest.remove_prefix(std::min(tag.size() + 1, rest.size()));
      if (!Trimmed(tag).empty()) raw.tags.emplace_back(Trimmed(tag));
    }
    const bool corners = !row.at(Column::kXMin).empty() || !row.at(Column::kYMin).empty() ||
                         !row.at(Column::kXMax).empty() || !row.at(Column::kYMax).empty();
    const std::string& kind = row.at(Column::kKind);
    if (kind == "box" || (kind.empty() && corners)) {
      TakeBox(row, raw);
    } else if (!row.at(Column::kLabel).empty()) {
      TakeLabel(row, raw);
    }
  }

  // The last word of "train_labels.csv", "annotations-test.csv" that is a side.
  static std::optional<Split> SplitOfName(std::string_view file) {
    std::string_view stem = StemOf(BaseOf(file));
    while (!stem.empty()) {
      const size_t end = std::min(stem.find_first_of("_- ."), stem.size());
      if (auto split = SplitOf(stem.substr(0, end))) return split;
      stem.remove_prefix(std::min(end + 1, stem.size()));
    }
    return std::nullopt;
  }

  std::string LabelOf(const Row& row) const {
    const auto named = label_names_.find(row.at(Column::kLabel));
    return named == label_names_.end() ? row.at(Column::kLabel) : named->second;
  }

  void TakeBox(const Row& row, RawImage& raw) {
    RawBox box{
        .label = LabelOf(row), .pixels = row.pixels, .place = "line " + std::to_string(row.line)};
    for (const auto& [column, corner, name] : {std::tuple(Column::kXMin, &box.x_min, "x_min"),
                                               std::tuple(Column::kYMin, &box.y_min, "y_min"),
                                               std::tuple(Column::kXMax, &box.x_max, "x_max"),
                                               std::tuple(Column::kYMax, &box.y_max, "y_max")}) {
      const auto number = ParseNumber(row.at(column));
      if (!number.has_value()) {
        return Skip(row, std::string(name) + " of \"" + Printable(box.label) + "\" is \"" +
                             Printable(row.at(column)) + "\": give a finite number");
      }
      *corner = *number;
    }
    box.confidence = ParseNumber(row.at(Column::kConfidence));
    // OpenImages states 1 for whatever a person drew or checked.
    if (dialect_.open_images && !row.at(Column::kSource).empty() && box.confidence == 1.0) {
      box.confidence.reset();
    }
    if (IsRepeated(row, box)) return;
    raw.boxes.push_back(std::move(box));
  }

  // The same row in two files ("all.csv" beside "train.csv") is one box; twice in one file it is
  // two.
  bool IsRepeated(const Row& row, const RawBox& box) {
    const std::string what = box.label + '\0' + NumberText(box.x_min) + ' ' +
                             NumberText(box.y_min) + ' ' + NumberText(box.x_max) + ' ' +
                             NumberText(box.y_max);
    const auto [found, added] = rows_.emplace(what, row.file);
    return !added && found->second != row.file;
  }

  void TakeLabel(const Row& row, RawImage& raw) {
    const auto confidence = ParseNumber(row.at(Column::kConfidence));
    const std::string& kind = row.at(Column::kKind);
    const bool machine = dialect_.open_images && row.at(Column::kSource).starts_with("machine");
    if (kind == "classification" || machine || (confidence.has_value() && !dialect_.open_images) ||
        (confidence.has_value() && *confidence > 0 && *confidence < 1)) {
      raw.classifications.push_back({.id = "", .label = LabelOf(row), .confidence = confidence});
    } else if (confidence == 0.0) {
      Skip(row, "label \"" + Printable(row.at(Column::kLabel)) +
                    "\" is stated not to be in the picture: that cannot be kept, left out");
    } else {
      raw.tags.push_back(LabelOf(row));
    }
  }

  std::unique_ptr<Input> input_;
  const TableDialect dialect_;
  RecordSorter sorter_;
  std::vector<std::string> files_;
  std::map<std::string, std::string> label_names_;
  std::map<std::string, uint64_t> rows_;  // of this picture: box, file
  bool any_table_ = false, more_ = false;
  std::string key_, value_;
};

}  // namespace

OpenedReader OpenTable(FileSystem& files, const ReaderOptions& options,
                       const TableDialect& dialect) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".csv", ".tsv"}));
  auto reader = std::make_unique<TableReader>(std::move(input), dialect);
  RETURN_IF_ERROR(reader->Begin());
  return reader;
}

}  // namespace bowerbird::annotation
