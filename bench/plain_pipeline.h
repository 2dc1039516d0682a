// SPDX-License-Identifier: Apache-2.0
//
// The floor of the picture benchmark: what a competent user of libjpeg-turbo and the TensorFlow
// Lite C library would write by hand. Nothing of the product's own code is used here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bowerbird::bench {

class PlainPipeline {
 public:
  // `xnnpack_flags`: 1 (signed int8 kernels), 0, or -1 for no delegate. Exits on failure.
  PlainPipeline(const std::string& model_path, int xnnpack_flags);
  ~PlainPipeline();

  struct Times {
    double decode_us = 0, resize_us = 0, invoke_us = 0;
    double total_us() const { return decode_us + resize_us + invoke_us; }
  };

  // Decodes `jpeg` at scale_num/8, scales it by a triangle filter to the input, invokes.
  Times Run(const std::string& jpeg, int scale_num);

  int input_width() const;
  int input_height() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::bench
