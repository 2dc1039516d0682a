// SPDX-License-Identifier: Apache-2.0
//
// Fills a hub's database with generated items (bench/data_table.h), while no hub runs on it.
// usage: bench_data_fill sqlite:FILE|postgresql://... ORGANIZATION ITEMS BOXES_OF_EACH
#include <cstdio>
#include <cstdlib>

#include "bench/data_table.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bench_data_fill LOCATION ORGANIZATION ITEMS BOXES_OF_EACH\n");
    return 2;
  }
  const absl::Status filled = bowerbird::bench::FillTable(
      argv[1], {.items = std::atol(argv[3]), .boxes = std::atoi(argv[4]), .organization = argv[2]});
  if (filled.ok()) return 0;
  std::fprintf(stderr, "data_fill: %s\n", filled.ToString().c_str());
  return 1;
}
