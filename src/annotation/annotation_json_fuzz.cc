// SPDX-License-Identifier: Apache-2.0
//
// COCO, Label Studio, Viam's lines and metadata: any bytes give pictures that pass the checks, or
// problems.
#include "annotation/fuzz_dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bowerbird::annotation::FuzzDataset dataset;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  dataset.Set("metadata/a.json", bytes);
  dataset.Read("coco");
  dataset.Read("labelstudio");
  dataset.Read("viam");
  dataset.Set("a.jsonl", bytes);
  dataset.Read("jsonl");
  return 0;
}
