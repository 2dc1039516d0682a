// SPDX-License-Identifier: Apache-2.0
#include "tflite/custom_options.h"

#include <flatbuffers/flexbuffers.h>

namespace bowerbird::tflite {

std::vector<std::byte> WriteCustomOptions(
    const std::vector<std::pair<std::string, CustomOption>>& options) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    for (const auto& [name, value] : options) {
      const char* const key = name.c_str();
      if (const auto* flag = std::get_if<bool>(&value)) builder.Bool(key, *flag);
      if (const auto* number = std::get_if<int64_t>(&value)) builder.Int(key, *number);
      if (const auto* number = std::get_if<float>(&value)) builder.Float(key, *number);
    }
  });
  builder.Finish();
  const std::vector<uint8_t>& buffer = builder.GetBuffer();
  const auto* const first = reinterpret_cast<const std::byte*>(buffer.data());
  return {first, first + buffer.size()};
}

}  // namespace bowerbird::tflite
