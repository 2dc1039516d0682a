// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as features.bin, with and without a digest that fits: a file whose rows fit its header,
// which is written again as it was read, or an error.
#include "train/feature_file.h"

#include <cstdlib>

#include "base/sha256.h"

namespace bowerbird::train {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Read(std::string_view bytes) {
  const auto file = ReadFeatureFile(bytes);
  if (!file.ok()) return;
  Check(file->values.size() == file->rows.size() * file->depth);
  const std::vector<int8_t> query(file->depth, 1);
  for (const Neighbour& one : Nearest(*file, query, 5))
    Check(one.row < file->rows.size() && one.distance >= 0 && one.distance <= 2);
  const auto again = WriteFeatureFile(*file);
  Check(again.ok() && ReadFeatureFile(*again).ok());
}

}  // namespace
}  // namespace bowerbird::train

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bowerbird::train::Read(bytes);
  // As its writer would have framed it: magic, length of the header, digest.
  const size_t header = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]) * size_t{8};
  std::string framed("BBFEAT1\n");
  for (size_t i = 0; i < 8; ++i) framed.push_back(static_cast<char>(uint64_t{header} >> (8 * i)));
  framed += bytes.empty() ? bytes : bytes.substr(1);
  bowerbird::Sha256 hash;
  hash.Update(std::string_view(framed));
  const auto digest = hash.Finish();
  framed.append(digest.begin(), digest.end());
  bowerbird::train::Read(framed);
  return 0;
}
