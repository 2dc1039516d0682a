// SPDX-License-Identifier: Apache-2.0
//
// The module text: bowerbird:text:classifier, a generic service that takes the command
// {"classify": TEXT or [TEXT...], "n": N} and answers {"classifications": [...]}, best first, a
// list of such lists for a list of texts. (The API of ML models has no tensors of text, and that of
// vision only pictures.)
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "base/status.h"
#include "classifier.h"
#include "common/v1/common.pb.h"
#include "module.h"

namespace bowerbird::text {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr char kService[] = "viam.service.generic.v1.GenericService";
constexpr int kMostTexts = 1000;  // of one command
constexpr double kMostThreads = 64;

// The codes of gRPC and Abseil are the same numbers.
grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.raw_code()), MessageOf(status)};
}

absl::StatusOr<std::string> Text(const Struct& attributes, const std::string& key) {
  const auto found = attributes.fields().find(key);
  if (found == attributes.fields().end()) return "";
  if (found->second.has_string_value()) return found->second.string_value();
  return InvalidArgument("attribute \"" + key + "\" must be text");
}

absl::StatusOr<ClassifierOptions> ReadOptions(const Struct& attributes) {
  ClassifierOptions options;
  ASSIGN_OR_RETURN(options.model_path, Text(attributes, "model_path"));
  if (options.model_path.empty())
    return InvalidArgument("attribute \"model_path\" is missing: the path of a .tflite file");
  ASSIGN_OR_RETURN(options.vocab_path, Text(attributes, "vocab_path"));
  ASSIGN_OR_RETURN(options.label_path, Text(attributes, "label_path"));
  const auto threads = attributes.fields().find("num_threads");
  if (threads == attributes.fields().end()) return options;
  const double count = threads->second.number_value();
  if (!threads->second.has_number_value() || !(count >= 1 && count <= kMostThreads) ||
      std::trunc(count) != count)
    return InvalidArgument("attribute \"num_threads\" must be a whole number from 1 to 64");
  options.num_threads = static_cast<int>(count);
  return options;
}

class Service final : public module::Resource {
 public:
  explicit Service(std::unique_ptr<Classifier> classifier) : classifier_(std::move(classifier)) {}

  grpc::Status DoCommand(const viam::common::v1::DoCommandRequest& request,
                         viam::common::v1::DoCommandResponse& response) {
    return ToGrpc(Answer(request.command(), *response.mutable_result()));
  }

 private:
  absl::Status Answer(const Struct& command, Struct& result) const {
    const auto texts = command.fields().find("classify");
    if (texts == command.fields().end())
      return InvalidArgument("the command must be {\"classify\": TEXT or [TEXT...], \"n\": N}");
    size_t most = SIZE_MAX;
    if (const auto n = command.fields().find("n"); n != command.fields().end()) {
      if (!(n->second.number_value() >= 1)) return InvalidArgument("\"n\" must be 1 or more");
      if (n->second.number_value() < 1e6) most = static_cast<size_t>(n->second.number_value());
    }
    Value& answer = (*result.mutable_fields())["classifications"];
    if (!texts->second.has_list_value()) return Classify(texts->second, most, answer);
    const auto& list = texts->second.list_value().values();
    if (list.size() > kMostTexts)
      return InvalidArgument("\"classify\" has more than 1000 texts: send them in parts");
    answer.mutable_list_value();
    for (const Value& text : list)
      RETURN_IF_ERROR(Classify(text, most, *answer.mutable_list_value()->add_values()));
    return absl::OkStatus();
  }

  absl::Status Classify(const Value& text, size_t most, Value& answer) const {
    if (!text.has_string_value()) return InvalidArgument("\"classify\" must be text, or texts");
    ASSIGN_OR_RETURN(auto found, classifier_->Classify(text.string_value()));
    if (found.size() > most) found.resize(most);
    auto& list = *answer.mutable_list_value();
    for (const Classification& one : found) {
      auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
      fields["label"].set_string_value(one.label);
      fields["confidence"].set_number_value(one.confidence);
    }
    return absl::OkStatus();
  }

  const std::unique_ptr<Classifier> classifier_;
};

grpc::Status Create(const module::Config& config, std::shared_ptr<module::Resource>& resource) {
  const auto options = ReadOptions(config.attributes);
  if (!options.ok()) return ToGrpc(options.status());
  auto classifier = Classifier::Load(*options);
  if (!classifier.ok()) return ToGrpc(classifier.status());
  resource = std::make_shared<Service>(*std::move(classifier));
  return grpc::Status::OK;
}

}  // namespace
}  // namespace bowerbird::text

int main(int count, char** arguments) {
  using bowerbird::text::Service;
  module::Module program;
  program.Add({"rdk:service:generic", bowerbird::text::kService, "bowerbird:text:classifier",
               [](const google::protobuf::Struct& attributes, module::Needs&) {
                 return bowerbird::text::ToGrpc(bowerbird::text::ReadOptions(attributes).status());
               },
               bowerbird::text::Create});
  program.Serve(std::string(bowerbird::text::kService) + "/DoCommand", &Service::DoCommand);
  return program.Run(count, arguments);
}
