// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/media_type.h"

#include <array>
#include <cctype>
#include <string>

namespace bowerbird::wire {
namespace {

struct Entry {
  std::string_view extension;
  std::string_view type;
};

// The first entry of a type has its usual extension. The first nine are those of machines that
// capture for this wire; they spell JPEG's with an e.
constexpr std::array<Entry, 34> kTypes = {{
    {".jpeg", "image/jpeg"},
    {".png", "image/png"},
    {".pcd", "pointcloud/pcd"},
    {".dep", "image/vnd.viam.dep"},
    {".rgba", "image/vnd.viam.rgba"},
    {".mp4", "video/mp4"},
    {".wav", "audio/wav"},
    {".mp3", "audio/mpeg"},
    {".dat", "application/octet-stream"},
    {".jpg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".bmp", "image/bmp"},
    {".tiff", "image/tiff"},
    {".tif", "image/tiff"},
    {".avif", "image/avif"},
    {".heic", "image/heic"},
    {".svg", "image/svg+xml"},
    {".mkv", "video/x-matroska"},
    {".webm", "video/webm"},
    {".mov", "video/quicktime"},
    {".avi", "video/x-msvideo"},
    {".flac", "audio/flac"},
    {".ogg", "audio/ogg"},
    {".txt", "text/plain"},
    {".log", "text/plain"},
    {".csv", "text/csv"},
    {".html", "text/html"},
    {".xml", "application/xml"},
    {".json", "application/json"},
    {".pdf", "application/pdf"},
    {".zip", "application/zip"},
    {".gz", "application/gzip"},
    {".parquet", "application/vnd.apache.parquet"},
}};

struct Signature {
  size_t offset;
  std::string_view bytes;
  std::string_view type;
};

using namespace std::string_view_literals;

constexpr std::array<Signature, 14> kSignatures = {{
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "GIF8"sv, "image/gif"},
    {8, "WEBP"sv, "image/webp"},
    {8, "WAVE"sv, "audio/wav"},
    {4, "ftypavif"sv, "image/avif"},
    {4, "ftypheic"sv, "image/heic"},
    {4, "ftyp"sv, "video/mp4"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/x-matroska"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "# .PCD v"sv, "pointcloud/pcd"},
    {0, "VERSION ."sv, "pointcloud/pcd"},
    {0, "%PDF-"sv, "application/pdf"},
    {0, "DEPTHMAP"sv, "image/vnd.viam.dep"},
}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace

std::string_view MediaTypeOfExtension(std::string_view extension) {
  std::string wanted = Lower(extension);
  if (!wanted.empty() && wanted.front() != '.') wanted.insert(0, 1, '.');
  for (const Entry& entry : kTypes)
    if (entry.extension == wanted) return entry.type;
  return "";
}

std::string_view ExtensionOfMediaType(std::string_view type) {
  const std::string wanted = Lower(type);
  if (wanted == kUnknownMediaType) return "";
  for (const Entry& entry : kTypes)
    if (entry.type == wanted) return entry.extension;
  return "";
}

std::string_view MediaTypeOfContent(std::string_view begin) {
  for (const Signature& one : kSignatures)
    if (begin.size() >= one.offset + one.bytes.size() &&
        begin.substr(one.offset, one.bytes.size()) == one.bytes)
      return one.type;
  return "";
}

}  // namespace bowerbird::wire
