// SPDX-License-Identifier: Apache-2.0
#include "bench/plain_pipeline.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// clang-format off
#include <cstddef>
#include <jpeglib.h>
// clang-format on

#include "tensorflow/lite/c/c_api.h"

// The library exports these without a header; this layout is that of version 2.9.0.
struct XnnpackOptions {
  int32_t num_threads;
  uint32_t flags;
};
extern "C" TfLiteDelegate* TfLiteXNNPackDelegateCreate(const XnnpackOptions*);
extern "C" void TfLiteXNNPackDelegateDelete(TfLiteDelegate*);

namespace bowerbird::bench {
namespace {

using Clock = std::chrono::steady_clock;

double MicrosecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "plain pipeline: %s\n", what);
  std::exit(1);
}

// First tap and weights (in 1/256) of each output position.
struct Taps {
  int count = 0;
  std::vector<int> start;
  std::vector<int> weights;
};

Taps TriangleTaps(int from, int to) {
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  Taps taps;
  taps.count = 2 * static_cast<int>(std::ceil(stretch));
  for (int i = 0; i < to; ++i) {
    const double center = scale * (i + 0.5) - 0.5;
    const int start = static_cast<int>(center) - taps.count / 2 + 1;
    taps.start.push_back(start);
    for (int k = 0; k < taps.count; ++k) {
      const double t = std::abs(center - (start + k)) / stretch;
      taps.weights.push_back(static_cast<int>(std::max(0.0, 1 - t) * 256));
    }
  }
  return taps;
}

}  // namespace

struct PlainPipeline::Impl {
  TfLiteModel* model = nullptr;
  TfLiteDelegate* delegate = nullptr;
  TfLiteInterpreter* interpreter = nullptr;
  TfLiteTensor* input = nullptr;
  int width = 0, height = 0;
  std::vector<uint8_t> decoded, narrow;
  int decoded_width = 0, decoded_height = 0;
  Taps horizontal, vertical;

  void Decode(const std::string& jpeg, int scale_num);
  void Resize();
};

void PlainPipeline::Impl::Decode(const std::string& jpeg, int scale_num) {
  jpeg_decompress_struct info;
  jpeg_error_mgr error;
  info.err = jpeg_std_error(&error);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(jpeg.data()),
               static_cast<unsigned long>(jpeg.size()));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.scale_num = static_cast<unsigned>(scale_num);
  info.scale_denom = 8;
  jpeg_start_decompress(&info);
  decoded_width = static_cast<int>(info.output_width);
  decoded_height = static_cast<int>(info.output_height);
  const size_t stride = info.output_width * 3U;
  decoded.resize(stride * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = decoded.data() + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

void PlainPipeline::Impl::Resize() {
  if (horizontal.start.size() != static_cast<size_t>(width)) {
    horizontal = TriangleTaps(decoded_width, width);
    vertical = TriangleTaps(decoded_height, height);
  }
  narrow.resize(static_cast<size_t>(width) * static_cast<size_t>(decoded_height) * 3);
  for (int y = 0; y < decoded_height; ++y) {
    const uint8_t* row =
        decoded.data() + static_cast<size_t>(y) * static_cast<size_t>(decoded_width) * 3;
    uint8_t* out = narrow.data() + static_cast<size_t>(y) * static_cast<size_t>(width) * 3;
    for (int x = 0; x < width; ++x) {
      int sums[3] = {0, 0, 0}, total = 0;
      const int* weights = &horizontal.weights[static_cast<size_t>(x * horizontal.count)];
      for (int k = 0; k < horizontal.count; ++k) {
        const int at =
            std::clamp(horizontal.start[static_cast<size_t>(x)] + k, 0, decoded_width - 1);
        for (int c = 0; c < 3; ++c) sums[c] += weights[k] * row[at * 3 + c];
        total += weights[k];
      }
      for (int c = 0; c < 3; ++c) out[x * 3 + c] = static_cast<uint8_t>(sums[c] / total);
    }
  }
  auto* values = static_cast<float*>(TfLiteTensorData(input));
  auto* bytes = static_cast<uint8_t*>(TfLiteTensorData(input));
  const bool is_float = TfLiteTensorType(input) == kTfLiteFloat32;
  std::vector<int> sums(static_cast<size_t>(width) * 3);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    const int* weights = &vertical.weights[static_cast<size_t>(y * vertical.count)];
    int total = 0;
    for (int k = 0; k < vertical.count; ++k) {
      const int at = std::clamp(vertical.start[static_cast<size_t>(y)] + k, 0, decoded_height - 1);
      const uint8_t* row = narrow.data() + static_cast<size_t>(at) * sums.size();
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += weights[k] * row[i];
      total += weights[k];
    }
    for (size_t i = 0; i < sums.size(); ++i) {
      const size_t at = static_cast<size_t>(y) * sums.size() + i;
      const int value = sums[i] / total;
      if (is_float) {
        values[at] = static_cast<float>(value) / 127.5f - 1;
      } else {
        bytes[at] = static_cast<uint8_t>(value);
      }
    }
  }
}

PlainPipeline::PlainPipeline(const std::string& model_path, int xnnpack_flags)
    : impl_(std::make_unique<Impl>()) {
  impl_->model = TfLiteModelCreateFromFile(model_path.c_str());
  if (impl_->model == nullptr) Die("the model does not load");
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, 1);
  if (xnnpack_flags >= 0) {
    const XnnpackOptions xnnpack{1, static_cast<uint32_t>(xnnpack_flags)};
    impl_->delegate = TfLiteXNNPackDelegateCreate(&xnnpack);
    TfLiteInterpreterOptionsAddDelegate(options, impl_->delegate);
  }
  impl_->interpreter = TfLiteInterpreterCreate(impl_->model, options);
  TfLiteInterpreterOptionsDelete(options);
  if (impl_->interpreter == nullptr ||
      TfLiteInterpreterAllocateTensors(impl_->interpreter) != kTfLiteOk) {
    Die("no interpreter");
  }
  impl_->input = TfLiteInterpreterGetInputTensor(impl_->interpreter, 0);
  impl_->height = TfLiteTensorDim(impl_->input, 1);
  impl_->width = TfLiteTensorDim(impl_->input, 2);
}

PlainPipeline::~PlainPipeline() {
  TfLiteInterpreterDelete(impl_->interpreter);
  if (impl_->delegate != nullptr) TfLiteXNNPackDelegateDelete(impl_->delegate);
  TfLiteModelDelete(impl_->model);
}

PlainPipeline::Times PlainPipeline::Run(const std::string& jpeg, int scale_num) {
  Times times;
  auto start = Clock::now();
  impl_->Decode(jpeg, scale_num);
  times.decode_us = MicrosecondsSince(start);
  start = Clock::now();
  impl_->Resize();
  times.resize_us = MicrosecondsSince(start);
  start = Clock::now();
  if (TfLiteInterpreterInvoke(impl_->interpreter) != kTfLiteOk) Die("invoke failed");
  times.invoke_us = MicrosecondsSince(start);
  return times;
}

int PlainPipeline::input_width() const { return impl_->width; }
int PlainPipeline::input_height() const { return impl_->height; }

}  // namespace bowerbird::bench
