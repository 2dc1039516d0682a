// SPDX-License-Identifier: Apache-2.0
//
// What a model is for, guessed from what its file says and holds, with the reason for the guess.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tflite/diagnosis_view.h"
#include "tflite/metadata.h"

namespace bowerbird::tflite {

enum class Task {
  kUnknown,
  kClassifier,
  kDetector,
  kSegmentation,
  kEmbedding,
  kAudio,
  kText,
  kPose
};

// "classifier", "detector", ... "unknown": what `inspect --json` prints.
std::string_view TaskName(Task task);

struct TaskGuess {
  Task task = Task::kUnknown;
  std::string reason;
};

// In this order: operators that exist for one purpose, what metadata says, shapes. The same file
// always gives the same guess.
TaskGuess GuessTask(const GraphView& view, const std::optional<FileMetadata>& metadata);

// The output with one row for each candidate box and its scores in the columns, [1, N, K] or
// [1, K, N], of a detector of the YOLO kind; -1 if there is none.
int CandidateOutput(const GraphView& view);

// Candidates as YOLOX gives them: one a cell of strides 8, 16 and 32, channels first going in. Its
// training reads pictures as OpenCV does, blue first, and does not scale them.
bool LooksLikeYolox(const GraphView& view);

}  // namespace bowerbird::tflite
