// SPDX-License-Identifier: Apache-2.0
//
// The vocabulary out of a model file, and any text looked up in it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t split = bytes.find('\0');
  auto vocabulary = bowerbird::text::Vocabulary::Parse(bytes.substr(0, split));
  if (!vocabulary.ok() || split == std::string_view::npos) return 0;
  const auto tokenizer = bowerbird::text::Tokenizer::Create(
      *std::move(vocabulary), bowerbird::text::Tokenizer::kDefaultDelimiter);
  if (!tokenizer.ok() || (*tokenizer)->Encode(bytes.substr(split + 1), 16).size() != 16)
    __builtin_trap();
  return 0;
}
