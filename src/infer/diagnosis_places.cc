// SPDX-License-Identifier: Apache-2.0
#include "infer/diagnosis_places.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/status.h"
#include "infer/interpreter.h"
#include "infer/mapped_file.h"
#include "infer/preflight.h"
#include "tensorflow/lite/c/c_api.h"

namespace bowerbird::infer {
namespace {

absl::StatusOr<Delegate> DelegateOf(const std::string& name) {
  std::string why;
  for (const Delegate delegate : AvailableDelegates(&why)) {
    if (DelegateName(delegate) == name) return delegate;
  }
  return InvalidArgument("there is no delegate '" + name + "'" + (why.empty() ? "" : ": " + why));
}

}  // namespace

absl::StatusOr<std::vector<std::vector<bool>>> DelegatedOperators(const std::string& model_path,
                                                                  const std::string& delegate) {
  ASSIGN_OR_RETURN(const Delegate rung, DelegateOf(delegate));
  ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> file, MappedFile::Open(model_path));
  ASSIGN_OR_RETURN(const tflite::Graph graph, tflite::ReadGraph(file->bytes()));
  RETURN_IF_ERROR(Preflight(graph));
  const std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)> model(
      TfLiteModelCreate(file->bytes().data(), file->bytes().size()), TfLiteModelDelete);
  if (model == nullptr) return InvalidArgument("the runtime refuses the file as damaged");
  ASSIGN_OR_RETURN(const std::unique_ptr<Interpreter> interpreter,
                   Interpreter::Create(model.get(), rung, /*num_threads=*/1));
  const std::vector<std::vector<int>>& outputs = interpreter->delegated_outputs();
  std::vector<std::vector<bool>> places;
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    const std::set<int> taken =
        i < outputs.size() ? std::set<int>(outputs[i].begin(), outputs[i].end()) : std::set<int>();
    std::vector<bool>& of_subgraph = places.emplace_back();
    for (const tflite::Operator& op : graph.subgraphs[i].operators) {
      of_subgraph.push_back(!op.outputs.empty() && taken.contains(op.outputs[0]));
    }
  }
  return places;
}

}  // namespace bowerbird::infer
