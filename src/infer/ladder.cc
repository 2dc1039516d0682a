// SPDX-License-Identifier: Apache-2.0
#include "infer/ladder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "tflite/checks.h"

namespace bowerbird::infer {
namespace {

// Whether a delegate took an operator of whose outputs one is read by nothing: XNNPACK of 2.9.0
// would write that to a null pointer. Says which tensor.
std::string UnreadOutput(const tflite::Graph& graph, const Interpreter& interpreter) {
  const std::vector<std::vector<bool>> unread = tflite::UnreadTensors(graph);
  const std::vector<std::vector<int>>& outputs = interpreter.delegated_outputs();
  for (size_t i = 0; i < std::min(unread.size(), outputs.size()); ++i) {
    for (const int tensor : outputs[i]) {
      const auto index = static_cast<size_t>(tensor);
      if (index < unread[i].size() && unread[i][index]) {
        return graph.subgraphs[i].tensors[index].name;
      }
    }
  }
  return "";
}

void Tell(const LadderOptions& options, std::string_view stage, Delegate rung) {
  if (options.observer == nullptr) return;
  options.observer->Stage(std::string(stage) + (rung == Delegate::kNone
                                                    ? ""
                                                    : ", with " + std::string(DelegateName(rung))));
}

// One rung: an interpreter that has run on zeros, null if the delegate has nothing to do, or why it
// cannot be used. The last rung stays in use if only its run failed: zeros may be no valid input at
// all (a division, an empty search), and the caller's own data decide.
absl::StatusOr<std::unique_ptr<Interpreter>> Try(Delegate rung, const TfLiteModel* model,
                                                 const tflite::Graph& graph,
                                                 const LadderOptions& options,
                                                 std::vector<std::string>& warnings) {
  Tell(options, "prepares the model", rung);
  ASSIGN_OR_RETURN(std::unique_ptr<Interpreter> made,
                   Interpreter::Create(model, rung, options.num_threads, options.observer));
  if (rung != Delegate::kNone) {
    if (made->delegated() == 0) return nullptr;
    if (const std::string name = UnreadOutput(graph, *made); !name.empty()) {
      return FailedPrecondition("nothing reads tensor '" + name +
                                "', which XNNPACK cannot leave out; export the model without it");
    }
  }
  Tell(options, "runs the model on zeros", rung);
  const absl::Status run = made->InvokeOnZeros();
  if (run.ok()) return made;
  if (rung != Delegate::kNone) return run;
  warnings.push_back("on zeros: " + MessageOf(run));
  return made;
}

}  // namespace

absl::StatusOr<Climbed> Climb(const TfLiteModel* model, const tflite::Graph& graph,
                              const LadderOptions& options) {
  Climbed climbed;
  std::string why;
  std::vector<Delegate> rungs = AvailableDelegates(&why);
  if (!options.allow_delegate) {
    rungs = {Delegate::kNone};
  } else if (!why.empty()) {
    climbed.warnings.push_back(why);
  }
  absl::Status last = absl::OkStatus();
  for (const Delegate rung : rungs) {
    absl::StatusOr<std::unique_ptr<Interpreter>> tried =
        Try(rung, model, graph, options, climbed.warnings);
    last = tried.status();
    if (tried.ok() && *tried != nullptr) {
      climbed.delegate = rung;
      climbed.interpreter = *std::move(tried);
      return climbed;
    }
    if (!tried.ok() && rung != Delegate::kNone) {
      climbed.warnings.push_back("without " + std::string(DelegateName(rung)) + ": " +
                                 MessageOf(last));
    }
  }
  return last;
}

}  // namespace bowerbird::infer
