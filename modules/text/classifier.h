// SPDX-License-Identifier: Apache-2.0
//
// A TensorFlow Lite text classifier with its vocabulary: text in, labels with confidences out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/tflite_model.h"
#include "tokenizer.h"

namespace bowerbird::text {

struct ClassifierOptions {
  std::string model_path;
  std::string vocab_path;  // "" = the one in the model file
  std::string label_path;  // "" = those in the model file
  int num_threads = 1;
};

struct Classification {
  std::string label;      // the number of the class where there are no labels
  double confidence = 0;  // 0..1; all classes together 1 where the model ends in no softmax
};

// Thread-safe.
class Classifier {
 public:
  // NOT_FOUND: a file is missing. INVALID_ARGUMENT: it is no model for text, or wants a tokenizer
  // other than by regular expression, or has no vocabulary.
  static absl::StatusOr<std::unique_ptr<Classifier>> Load(const ClassifierOptions& options);

  // Best first, all classes.
  absl::StatusOr<std::vector<Classification>> Classify(std::string_view text) const;

 private:
  Classifier(std::unique_ptr<infer::TfliteModel> model, std::unique_ptr<Tokenizer> tokenizer)
      : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}
  absl::Status CheckTensors();

  const std::unique_ptr<infer::TfliteModel> model_;
  const std::unique_ptr<Tokenizer> tokenizer_;
  size_t length_ = 0;  // tokens that the model takes
};

}  // namespace bowerbird::text
