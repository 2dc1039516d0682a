// SPDX-License-Identifier: Apache-2.0
#include "classifier.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/status.h"
#include "infer/mapped_file.h"
#include "tflite/attached_files.h"
#include "tflite/metadata.h"

namespace bowerbird::text {
namespace {

using infer::DType;

constexpr size_t kMaxAttached = 64 << 20;  // bytes of vocabularies and labels in a file
constexpr int64_t kMaxLength = 1 << 16;    // tokens

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound("file not found at " + path);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

// How the model wants its text split, and the name of the vocabulary in its file.
struct Wanted {
  std::string delimiter = Tokenizer::kDefaultDelimiter;
  std::string vocabulary;  // "" = the file does not say
};

absl::StatusOr<Wanted> WantedBy(const tflite::FileMetadata& metadata) {
  Wanted wanted;
  std::vector<tflite::Tokenizer> tokenizers = metadata.input_tokenizers;
  std::vector<tflite::AssociatedFile> files = metadata.associated_files;
  files.insert(files.end(), metadata.subgraph_files.begin(), metadata.subgraph_files.end());
  for (const tflite::TensorMetadata& input : metadata.inputs) {
    tokenizers.insert(tokenizers.end(), input.tokenizers.begin(), input.tokenizers.end());
    files.insert(files.end(), input.associated_files.begin(), input.associated_files.end());
  }
  if (!tokenizers.empty()) {
    const tflite::Tokenizer& tokenizer = tokenizers.front();
    if (tokenizer.kind != tflite::Tokenizer::Kind::kRegex)
      return InvalidArgument(
          "the model wants a tokenizer for BERT or SentencePiece; only those by "
          "regular expression are known here");
    if (!tokenizer.delimiter.empty()) wanted.delimiter = tokenizer.delimiter;
    if (!tokenizer.vocabulary.empty()) wanted.vocabulary = tokenizer.vocabulary.front().name;
  }
  const auto file = std::find_if(files.begin(), files.end(), [](const auto& one) {
    return one.type == tflite::AssociatedFileType::kVocabulary;
  });
  if (wanted.vocabulary.empty() && file != files.end()) wanted.vocabulary = file->name;
  return wanted;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeTokenizer(const ClassifierOptions& options) {
  ASSIGN_OR_RETURN(const auto file, infer::MappedFile::Open(options.model_path));
  ASSIGN_OR_RETURN(const tflite::Graph graph, tflite::ReadGraph(file->bytes()));
  Wanted wanted;
  if (const auto buffer = graph.MetadataBuffer(tflite::kMetadataName); !buffer.empty()) {
    ASSIGN_OR_RETURN(const tflite::FileMetadata metadata, tflite::ReadFileMetadata(buffer));
    ASSIGN_OR_RETURN(wanted, WantedBy(metadata));
  }
  std::string text;
  if (!options.vocab_path.empty()) {
    ASSIGN_OR_RETURN(text, ReadText(options.vocab_path));
  } else {
    ASSIGN_OR_RETURN(const auto files, tflite::ReadAttachedFiles(file->bytes(), kMaxAttached));
    const auto found = std::find_if(files.begin(), files.end(), [&](const auto& one) {
      return !wanted.vocabulary.empty() && one.name == wanted.vocabulary;
    });
    if (found == files.end())
      return InvalidArgument(options.model_path +
                             " has no vocabulary in it: give one as vocab_path");
    text = found->contents;
  }
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::Parse(text));
  return Tokenizer::Create(std::move(vocabulary), wanted.delimiter);
}

template <typename T>
void Store(const std::vector<int32_t>& tokens, std::span<std::byte> input) {
  const std::vector<T> values(tokens.begin(), tokens.end());
  std::memcpy(input.data(), values.data(), input.size());
}

bool IsTokenType(DType type) {
  return type == DType::kInt32 || type == DType::kInt64 || type == DType::kFloat32;
}

template <typename T>
void Widen(const infer::TensorView& view, const infer::Quantization& form,
           std::vector<double>& values) {
  const double scale = form.scale == 0 ? 1 : form.scale;
  for (const T value : view.As<T>())
    values.push_back((static_cast<double>(value) - static_cast<double>(form.zero_point)) * scale);
}

std::vector<double> ScoresIn(const infer::TensorView& view, const infer::Quantization& form) {
  std::vector<double> scores;
  if (view.type == DType::kFloat32) Widen<float>(view, {}, scores);
  if (view.type == DType::kUint8) Widen<uint8_t>(view, form, scores);
  if (view.type == DType::kInt8) Widen<int8_t>(view, form, scores);
  const auto is_probability = [](double score) { return score >= 0 && score <= 1; };
  if (std::all_of(scores.begin(), scores.end(), is_probability)) return scores;
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
  return scores;
}

}  // namespace

absl::Status Classifier::CheckTensors() {
  const infer::ModelMetadata& metadata = model_->metadata();
  if (metadata.inputs.size() != 1 || metadata.outputs.empty())
    return InvalidArgument("a text classifier has one input, and this model has " +
                           std::to_string(metadata.inputs.size()));
  const infer::TensorInfo& input = metadata.inputs[0];
  const infer::TensorInfo& output = metadata.outputs[0];
  const auto length = infer::ElementCount(input.shape);
  const bool one_text = input.shape.size() == 1 || (input.shape.size() == 2 && input.shape[0] == 1);
  if (!IsTokenType(input.type) || !one_text || !length || *length < 1 || *length > kMaxLength)
    return InvalidArgument("the input \"" + input.name + "\" is " +
                           std::string(infer::DTypeName(input.type)) + " " +
                           infer::ShapeText(input.shape) + ": no list of tokens of one text");
  const auto known = {DType::kFloat32, DType::kUint8, DType::kInt8};
  if (std::find(known.begin(), known.end(), output.type) == known.end())
    return InvalidArgument("the output \"" + output.name + "\" is no list of scores");
  length_ = static_cast<size_t>(*length);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Classifier>> Classifier::Load(const ClassifierOptions& options) {
  ASSIGN_OR_RETURN(auto tokenizer, MakeTokenizer(options));
  infer::TfliteOptions wanted;
  wanted.model_path = options.model_path;
  wanted.label_path = options.label_path;
  wanted.num_threads = options.num_threads;
  ASSIGN_OR_RETURN(auto model, infer::TfliteModel::Load(wanted));
  auto classifier =
      std::unique_ptr<Classifier>(new Classifier(std::move(model), std::move(tokenizer)));
  RETURN_IF_ERROR(Annotate(classifier->CheckTensors(), options.model_path));
  return classifier;
}

absl::StatusOr<std::vector<Classification>> Classifier::Classify(std::string_view text) const {
  const Context context;
  ASSIGN_OR_RETURN(const auto lease, model_->Acquire(context));
  const std::vector<int32_t> tokens = tokenizer_->Encode(text, length_);
  const infer::ModelMetadata& metadata = model_->metadata();
  switch (metadata.inputs[0].type) {
    case DType::kInt64:
      Store<int64_t>(tokens, lease->Input(0));
      break;
    case DType::kFloat32:
      Store<float>(tokens, lease->Input(0));
      break;
    default:
      Store<int32_t>(tokens, lease->Input(0));
  }
  RETURN_IF_ERROR(lease->Invoke(context));
  const infer::TensorView output = lease->Output(0);
  if (output.bytes.empty()) return Internal("the model gave no scores");
  const std::vector<double> scores = ScoresIn(output, metadata.outputs[0].quantization);
  std::vector<Classification> found;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool has_label = i < metadata.labels.size();
    found.push_back({has_label ? metadata.labels[i] : std::to_string(i), scores[i]});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.confidence > b.confidence; });
  return found;
}

}  // namespace bowerbird::text
