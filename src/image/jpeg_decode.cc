// SPDX-License-Identifier: Apache-2.0
//
// JPEG through libjpeg-turbo. Choices that decide the pixels:
// - JDCT_ISLOW, the accurate integer transform: it has SIMD code everywhere, so the "fast" ones
// save
//   less than 3 % of a decode and cost accuracy.
// - fancy (triangle) chroma upsampling, libjpeg's default and what training pipelines use; plain
//   replication would save as little. Scaled decodes mostly need no upsampling at all.
// - scales of 1/8, 1/4, 1/2 and 1 only: the other eighths have no SIMD code. 3/8 of a 1080p picture
//   takes longer than 1/2, 5/8 to 7/8 up to twice as long as the whole.
// - no smoothing between blocks of incomplete progressive files: an incomplete file is an error.
#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/exif.h"
#include "image/formats.h"
#include "image/jpeg_errors.h"

// Needs jpeglib.h first.
#include <jerror.h>

namespace bowerbird::image {
namespace {

// A progressive file may repeat scans over the whole picture at almost no cost in bytes; real ones
// have about ten.
constexpr int kMaxScans = 100;
// libjpeg's own working memory beyond what the picture's coefficients take.
constexpr long kWorkingMemory = 64l << 20;

// libjpeg replaces lost data by gray and goes on with a warning; here that is an error. Oddities
// that lose no pixels pass.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      LeaveJpeg(info);
    default:
      return;
  }
}

void OnProgress(j_common_ptr info) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", kMaxScans);
  longjmp(errors->jump, 1);
}

// A decompressor whose errors come back as `false`. What runs inside Run must own nothing: an error
// leaves it without running destructors.
class JpegReader {
 public:
  explicit JpegReader(Bytes bytes) {
    std::memset(&info_, 0, sizeof(info_));
    info_.err = Prepare(errors_);
    errors_.base.emit_message = OnMessage;
    started_ = Run([&] {
      jpeg_create_decompress(&info_);
      progress_.progress_monitor = OnProgress;
      info_.progress = &progress_;
      jpeg_mem_src(&info_, bytes.data(), static_cast<unsigned long>(bytes.size()));
      jpeg_read_header(&info_, TRUE);
    });
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool started() const { return started_; }
  jpeg_decompress_struct& info() { return info_; }

  template <typename Step>
  bool Run(const Step& step) {
    if (setjmp(errors_.jump) != 0) return false;
    step();
    return true;
  }

  absl::Status Error() const {
    return InvalidArgument(absl::StrCat("JPEG picture is damaged or cut off: ", errors_.message));
  }

 private:
  jpeg_decompress_struct info_;
  JpegErrors errors_;
  jpeg_progress_mgr progress_{};
  bool started_ = false;
};

bool IsCmyk(const jpeg_decompress_struct& info) {
  return info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
}

// Adobe's programs, which nearly all CMYK files come from, store ink inverted and say so by their
// marker.
void CmykToRgb(const uint8_t* cmyk, int width, bool inverted, uint8_t* rgb) {
  const uint8_t flip = inverted ? 0 : 255;
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned black = cmyk[3] ^ flip;
    for (int c = 0; c < 3; ++c) {
      const unsigned ink = cmyk[c] ^ flip;
      rgb[c] = static_cast<uint8_t>((ink * black + 127) / 255);
    }
  }
}

void SetOutput(jpeg_decompress_struct& info, int eighths) {
  info.scale_num = static_cast<unsigned>(eighths);
  info.scale_denom = 8;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  info.do_block_smoothing = FALSE;
  info.out_color_space = IsCmyk(info)                             ? JCS_CMYK
                         : info.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE
                                                                  : JCS_RGB;
}

// Several rows a call: libjpeg hands them out as its blocks come.
void ReadRows(jpeg_decompress_struct& info, Image& image) {
  constexpr unsigned kRows = 16;
  JSAMPROW rows[kRows];
  while (info.output_scanline < info.output_height) {
    const unsigned first = info.output_scanline;
    const unsigned count = std::min(kRows, info.output_height - first);
    for (unsigned i = 0; i < count; ++i) rows[i] = image.row(static_cast<int>(first + i));
    jpeg_read_scanlines(&info, rows, count);
  }
}

void ReadCmykRows(jpeg_decompress_struct& info, uint8_t* buffer, Image& image) {
  while (info.output_scanline < info.output_height) {
    const int y = static_cast<int>(info.output_scanline);
    JSAMPROW row = buffer;
    jpeg_read_scanlines(&info, &row, 1);
    CmykToRgb(buffer, image.width(), info.saw_Adobe_marker != FALSE, image.row(y));
  }
}

}  // namespace

int JpegEighths(Size stored, Size at_least) {
  if (at_least.width <= 0 && at_least.height <= 0) return 8;
  const auto scaled = [](int64_t length, int eighths) { return (length * eighths + 7) / 8; };
  for (const int eighths : {1, 2, 4}) {
    if (scaled(stored.width, eighths) >= at_least.width &&
        scaled(stored.height, eighths) >= at_least.height) {
      return eighths;
    }
  }
  return 8;
}

absl::StatusOr<Header> ReadJpegHeader(Bytes bytes, const DecodeOptions& options) {
  JpegReader reader(bytes);
  if (!reader.started()) return reader.Error();
  const jpeg_decompress_struct& info = reader.info();
  RETURN_IF_ERROR(CheckSize(info.image_width, info.image_height, options, "JPEG"));
  if (info.jpeg_color_space == JCS_UNKNOWN) {
    return InvalidArgument(absl::StrCat("JPEG picture has ", info.num_components,
                                        " colour channels; 1, 3 and 4 are understood"));
  }
  Header header;
  header.mime = kMimeJpeg;
  header.stored = {static_cast<int>(info.image_width), static_cast<int>(info.image_height)};
  header.orientation = OrientationOfJpeg(bytes);
  header.format = info.jpeg_color_space == JCS_GRAYSCALE ? PixelFormat::kGray8 : PixelFormat::kRgb8;
  return header;
}

absl::StatusOr<Image> DecodeJpeg(Bytes bytes, const Header& header, int eighths) {
  JpegReader reader(bytes);
  if (!reader.started()) return reader.Error();
  jpeg_decompress_struct& info = reader.info();
  // Progressive files keep all their coefficients: two bytes a sample, at most four samples a
  // pixel.
  info.mem->max_memory_to_use = kWorkingMemory + 8l * header.stored.width * header.stored.height;
  const bool prepared = reader.Run([&] {
    SetOutput(info, eighths);
    jpeg_start_decompress(&info);
  });
  if (!prepared) return reader.Error();
  Image image(static_cast<int>(info.output_width), static_cast<int>(info.output_height),
              header.format);
  std::unique_ptr<uint8_t[]> cmyk;
  if (IsCmyk(info)) cmyk.reset(new uint8_t[size_t{4} * info.output_width]);
  const bool done = reader.Run([&] {
    if (cmyk != nullptr) {
      ReadCmykRows(info, cmyk.get(), image);
    } else {
      ReadRows(info, image);
    }
    // Reads on to the end marker, so that a file cut off just before it is noticed.
    jpeg_finish_decompress(&info);
  });
  if (!done) return reader.Error();
  return image;
}

}  // namespace bowerbird::image
