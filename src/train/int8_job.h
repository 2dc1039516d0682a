// SPDX-License-Identifier: Apache-2.0
//
// A trained file as files that compute in int8, calibrated on pictures it was trained on. Which of
// them is good enough is for whoever can score them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "train/job.h"

namespace bowerbird::train {

struct SmallFile {
  std::string path;              // as the report names the way: "int8 ..."
  std::string model;             // the bytes, with the labels and metadata of the original
  bool is_half = false;          // weights in half precision, no int8
  nlohmann::ordered_json facts;  // operators in int8 and in float, pictures
};

struct FullFile {
  const std::string& root;                // folder of the pictures
  const std::vector<std::string>& paths;  // of those to calibrate with
  const std::string& model;               // the bytes of a file that the trainer made
};

// A file may lose so much of its score, in points of 100, and still be taken for being smaller.
inline constexpr double kMostLost = 1.0;

// In the order in which they are to be tried: one in int8 for each way of taking ranges, then one
// in half precision, unless the full one is that. What cannot be made is a row of `candidates`,
// with the reason. CANCELLED: stopped. The same input gives the same bytes with any number of
// threads.
absl::StatusOr<std::vector<SmallFile>> MakeSmaller(FileSystem& files, const TrainJob& job,
                                                   const FullFile& full,
                                                   nlohmann::ordered_json& candidates);

}  // namespace bowerbird::train
