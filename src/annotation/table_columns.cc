// SPDX-License-Identifier: Apache-2.0
//
// What columns mean: plain CSV by the names that people give them, OpenImages by its own.
#include <algorithm>
#include <array>
#include <utility>

#include "annotation/folder.h"
#include "annotation/table_reader.h"

namespace bowerbird::annotation {
namespace {

constexpr std::array<std::pair<std::string_view, Column>, 44> kNames{{
    {"filename", Column::kPicture},
    {"file", Column::kPicture},
    {"filepath", Column::kPicture},
    {"path", Column::kPicture},
    {"image", Column::kPicture},
    {"imagefile", Column::kPicture},
    {"imagename", Column::kPicture},
    {"imagepath", Column::kPicture},
    {"imageid", Column::kPicture},
    {"img", Column::kPicture},
    {"imgpath", Column::kPicture},
    {"picture", Column::kPicture},
    {"class", Column::kLabel},
    {"classname", Column::kLabel},
    {"label", Column::kLabel},
    {"labelname", Column::kLabel},
    {"name", Column::kLabel},
    {"category", Column::kLabel},
    {"celltype", Column::kLabel},
    {"object", Column::kLabel},
    {"xmin", Column::kXMin},
    {"x1", Column::kXMin},
    {"left", Column::kXMin},
    {"ymin", Column::kYMin},
    {"y1", Column::kYMin},
    {"top", Column::kYMin},
    {"xmax", Column::kXMax},
    {"x2", Column::kXMax},
    {"right", Column::kXMax},
    {"ymax", Column::kYMax},
    {"y2", Column::kYMax},
    {"bottom", Column::kYMax},
    {"width", Column::kWidth},
    {"imagewidth", Column::kWidth},
    {"height", Column::kHeight},
    {"imageheight", Column::kHeight},
    {"confidence", Column::kConfidence},
    {"score", Column::kConfidence},
    {"split", Column::kSplit},
    {"subset", Column::kSplit},
    {"set", Column::kSplit},
    {"tags", Column::kTags},
    {"labels", Column::kTags},
    {"kind", Column::kKind},
}};

std::optional<Header> PlainHeader(const std::string& /*file*/,
                                  const std::vector<std::string>& names) {
  Header header;
  bool fractions = false;
  for (const std::string& name : names) header.columns.push_back(ColumnOf(name, fractions));
  header.pixels = !fractions;
  if (!header.has(Column::kPicture)) return std::nullopt;
  // One column of another name beside known ones: it is the label ("cell type").
  if (!header.has(Column::kLabel) && !header.has(Column::kTags) &&
      std::count(header.columns.begin(), header.columns.end(), Column::kNone) == 1) {
    *std::find(header.columns.begin(), header.columns.end(), Column::kNone) = Column::kLabel;
  }
  return header;
}

std::optional<Header> OpenImagesHeader(const std::string& /*file*/,
                                       const std::vector<std::string>& names) {
  static constexpr std::array<std::pair<std::string_view, Column>, 11> kOpenImages{{
      {"ImageID", Column::kPicture},
      {"Source", Column::kSource},
      {"LabelName", Column::kLabel},
      {"Confidence", Column::kConfidence},
      {"XMin", Column::kXMin},
      {"XMax", Column::kXMax},
      {"YMin", Column::kYMin},
      {"YMax", Column::kYMax},
      {"Subset", Column::kSplit},
      {"Width", Column::kWidth},
      {"Height", Column::kHeight},
  }};
  Header header{.columns = {}, .pixels = false};
  for (const std::string& name : names) {
    const auto found = std::find_if(kOpenImages.begin(), kOpenImages.end(),
                                    [&](const auto& one) { return one.first == name; });
    header.columns.push_back(found == kOpenImages.end() ? Column::kNone : found->second);
  }
  if (!header.has(Column::kPicture)) return std::nullopt;
  return header;
}

std::vector<std::string> FirstRow(const std::string& head) {
  std::vector<std::string> fields(1);
  for (const char c : head.substr(0, head.find_first_of("\r\n"))) {
    if (c == ',' || c == ';' || c == '\t') {
      fields.emplace_back();
    } else if (c != '"' && static_cast<unsigned char>(c) < 0x80) {
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace

bool Header::has(Column column) const {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

Column ColumnOf(std::string_view name, bool& fractions) {
  std::string plain;
  for (const char c : Lower(name)) {
    if (c != '_' && c != ' ' && c != '-' && c != '.') plain += c;
  }
  constexpr std::string_view kNormalized = "normalized";
  if (plain.ends_with(kNormalized)) {
    fractions = true;
    plain.resize(plain.size() - kNormalized.size());
  }
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const auto& one) { return one.first == plain; });
  return found == kNames.end() ? Column::kNone : found->second;
}

std::string DetectCsv(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".csv", 20)) {
    const auto header = PlainHeader(file, FirstRow(probe.Head(file)));
    if (header.has_value() && (header->has(Column::kLabel) || header->has(Column::kTags))) {
      return file + " is a table with columns for the picture and its label";
    }
  }
  return "";
}

OpenedReader OpenCsv(FileSystem& files, const ReaderOptions& options) {
  return OpenTable(files, options, {.header = PlainHeader, .open_images = false});
}

std::string DetectOpenImages(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".csv", 20)) {
    const auto header = OpenImagesHeader(file, FirstRow(probe.Head(file)));
    if (header.has_value() && header->has(Column::kLabel)) {
      return file + " is a table with the columns ImageID and LabelName";
    }
  }
  return "";
}

OpenedReader OpenOpenImages(FileSystem& files, const ReaderOptions& options) {
  return OpenTable(files, options, {.header = OpenImagesHeader, .open_images = true});
}

}  // namespace bowerbird::annotation
