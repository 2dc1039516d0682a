// SPDX-License-Identifier: Apache-2.0
//
// Which inputs of an operator decide how large its output is, or along which axis or in which order
// it works. Kernels of TensorFlow Lite 2.9 check these little or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace bowerbird::tflite {

// By the operator's name ("FILL"); empty: none. The span lives as long as the program.
std::span<const size_t> FixedInputs(std::string_view operator_name);

}  // namespace bowerbird::tflite
