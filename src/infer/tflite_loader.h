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
#include "infer/memory_plan.h"
#include "infer/prepare_load.h"
#include "infer/serving_trial.h"
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
  MemoryNeed need;                       // measured by the trial, else estimated
  std::optional<ServingTrial> trial;     // of a probe; nothing where the file is trusted
  TfliteHandle model{nullptr, TfLiteModelDelete};
  Delegate delegate = Delegate::kNone;
  bool in_float = false;         // the form that is run (prepare.h)
  bool allow_delegate = true;    // what the probe has cleared
  std::vector<bool> is_dynamic;  // by input
  ModelMetadata metadata;
  RuntimeReport report;  // without load_ms
  std::unique_ptr<TfliteInstance> instance;
};

absl::StatusOr<LoadedTflite> LoadTflite(const TfliteOptions& options, Form form = Form::kMeasured);

// Another instance like the first one, by the same rung of the ladder.
absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeInstance(const LoadedTflite& loaded,
                                                             int num_threads);

}  // namespace bowerbird::infer
