// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "tflite/testing/model_file.h"

namespace bowerbird::tflite::testing {
namespace {

void Put(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::string Deflate(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string ZipArchive(const std::vector<PackedFile>& files, size_t base) {
  std::string archive;
  std::string directory;
  for (const PackedFile& file : files) {
    const std::string data = file.deflate ? Deflate(file.contents) : file.contents;
    std::string common;  // the part that the local header and the directory share
    Put(common, 20, 2);
    Put(common, 0, 2);
    Put(common, file.deflate ? 8 : 0, 2);
    Put(common, 0, 4);
    Put(common,
        static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(file.contents.data()),
                                    static_cast<uInt>(file.contents.size()))),
        4);
    Put(common, static_cast<uint32_t>(data.size()), 4);
    Put(common, static_cast<uint32_t>(file.contents.size()), 4);
    Put(common, static_cast<uint32_t>(file.name.size()), 2);
    Put(common, 0, 2);
    Put(directory, 0x02014b50, 4);
    Put(directory, 20, 2);
    directory += common;
    Put(directory, 0, 2);
    Put(directory, 0, 4);
    Put(directory, 0, 4);
    Put(directory, static_cast<uint32_t>(base + archive.size()), 4);
    directory += file.name;
    Put(archive, 0x04034b50, 4);
    archive += common + file.name + data;
  }
  const auto offset = static_cast<uint32_t>(base + archive.size());
  archive += directory;
  Put(archive, 0x06054b50, 4);
  Put(archive, 0, 4);
  Put(archive, static_cast<uint32_t>(files.size()), 2);
  Put(archive, static_cast<uint32_t>(files.size()), 2);
  Put(archive, static_cast<uint32_t>(directory.size()), 4);
  Put(archive, offset, 4);
  Put(archive, 0, 2);
  return archive;
}

}  // namespace bowerbird::tflite::testing
