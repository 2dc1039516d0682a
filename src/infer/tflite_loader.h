// SPDX-License-Identifier: Apache-2.0
//
// The steps from a path to a model that runs. Private to this room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/interpreter.h"
#include "infer/mapped_file.h"
#include "infer/tflite_instance.h"
#include "infer/tflite_model.h"
#include "tflite/metadata.h"

namespace bowerbird::infer {

using TfliteHandle = std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)>;

// Everything of one file but the pool. Members are destroyed in reverse: the instance before the
// runtime's model, that before the mapping it reads from.
struct LoadedTflite {
  std::unique_ptr<MappedFile> file;
  std::string file_sha256;               // hexadecimal; "" where the probe keeps no facts
  std::unique_ptr<MappedFile> prepared;  // what the runtime reads instead, if not null
  int most_instances = 256;              // that the memory limit has room for
  TfliteHandle model{nullptr, TfLiteModelDelete};
  Delegate delegate = Delegate::kNone;
  std::vector<bool> is_dynamic;  // by input
  ModelMetadata metadata;
  RuntimeReport report;  // without load_ms
  std::unique_ptr<TfliteInstance> instance;
};

absl::StatusOr<LoadedTflite> LoadTflite(const TfliteOptions& options);

// Another instance like the first one, by the same rung of the ladder.
absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeInstance(const LoadedTflite& loaded,
                                                             int num_threads);

}  // namespace bowerbird::infer
