// SPDX-License-Identifier: Apache-2.0
//
// CSV and Open Images: any bytes give pictures that pass the checks, or problems.
#include "annotation/fuzz_dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bowerbird::annotation::FuzzDataset dataset;
  dataset.Set("a.csv", {reinterpret_cast<const char*>(data), size});
  dataset.Read("csv");
  dataset.Read("openimages");
  return 0;
}
