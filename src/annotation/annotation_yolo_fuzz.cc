// SPDX-License-Identifier: Apache-2.0
//
// YOLO: the bytes before the first NUL are data.yaml, those after it the lines of a picture.
#include "annotation/fuzz_dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bowerbird::annotation::FuzzDataset dataset;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t cut = std::min(bytes.find('\0'), bytes.size());
  dataset.Set("a.txt", bytes.substr(std::min(cut + 1, bytes.size())));
  dataset.Set("data.yaml", bytes.substr(0, cut));
  dataset.Read("yolo");
  dataset.Set("data.yaml", "names: [cat, dog, bird]\n");
  dataset.Read("yolo");
  return 0;
}
