// SPDX-License-Identifier: Apache-2.0
//
// The judges behind Diagnose, each for one side of a model. Private to diagnosis*.cc.
#pragma once

#include <string>
#include <vector>

#include "tflite/diagnosis.h"

namespace bowerbird::tflite {

struct Case {
  const Evidence& evidence;
  const GraphView& view;
  bool is_sound = false;  // CheckGraph passed
  TaskGuess guess;
};

void JudgeFile(const Case& model, std::vector<Finding>& findings);     // metadata, labels, zip
void JudgeRuntime(const Case& model, std::vector<Finding>& findings);  // can it run, and where
void JudgeInputs(const Case& model, std::vector<Finding>& findings);
void JudgeOutputs(const Case& model, std::vector<Finding>& findings);
void JudgeOperators(const Case& model, std::vector<Finding>& findings);
void JudgeQuantization(const Case& model, std::vector<Finding>& findings);
void JudgeValues(const Case& model, std::vector<Finding>& findings);  // that callers choose

// "a, b, c and 12 more" for what would otherwise fill the screen.
std::string ListOf(const std::vector<std::string>& names, size_t shown = 4);
// "'name'", or "tensor without a name".
std::string Quoted(const Tensor& tensor);
// "0.00392157"
std::string NumberText(double value);

}  // namespace bowerbird::tflite
