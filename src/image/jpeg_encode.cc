// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/codec.h"
#include "image/jpeg_errors.h"
#include "image/pixels.h"

namespace bowerbird::image {
namespace {

// A compressor that writes to memory of its own; an error leaves Run without running destructors.
class JpegWriter {
 public:
  JpegWriter() {
    std::memset(&info_, 0, sizeof(info_));
    info_.err = Prepare(errors_);
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(buffer_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  // `row` holds one line of pixels as the encoder wants them.
  bool Write(const Image& image, const RowReader& reader, int quality, uint8_t* row) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &buffer_, &size_);
    info_.image_width = static_cast<JDIMENSION>(image.width());
    info_.image_height = static_cast<JDIMENSION>(image.height());
    info_.input_components = reader.colorless() ? 1 : 3;
    info_.in_color_space = reader.colorless() ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    info_.dct_method = JDCT_ISLOW;
    jpeg_start_compress(&info_, TRUE);
    for (int y = 0; y < image.height(); ++y) {
      if (reader.colorless()) {
        reader.Gray(y, row);
      } else {
        reader.Rgb(y, row);
      }
      JSAMPROW rows[1] = {row};
      jpeg_write_scanlines(&info_, rows, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::string Take() const { return {reinterpret_cast<const char*>(buffer_), size_}; }
  const char* message() const { return errors_.message; }

 private:
  jpeg_compress_struct info_;
  JpegErrors errors_;
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

absl::StatusOr<std::string> EncodeJpeg(const Image& image, int quality) {
  if (image.empty()) return InvalidArgument("cannot encode an empty picture as JPEG");
  const RowReader reader(image);
  const std::unique_ptr<uint8_t[]> row(new uint8_t[static_cast<size_t>(image.width()) * 3]);
  JpegWriter writer;
  if (!writer.Write(image, reader, std::clamp(quality, 1, 100), row.get())) {
    return InvalidArgument(absl::StrCat("cannot encode a picture of ", image.width(), "x",
                                        image.height(), " as JPEG: ", writer.message()));
  }
  return writer.Take();
}

}  // namespace bowerbird::image
