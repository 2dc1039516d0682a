// SPDX-License-Identifier: Apache-2.0
#include "infer/probe.h"

#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/sha256.h"
#include "base/status.h"
#include "infer/measuring_turn.h"
#include "infer/model_facts.h"
#include "infer/prepare.h"
#include "infer/probe_run.h"
#include "infer/serving_trial.h"
#include "infer/verdict.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {
namespace {

using How = ProbeEnd::How;

constexpr char kCrashRemedy[] =
    "; the file is damaged, or made for another runtime: export it again with built-in operators";
constexpr char kShapeRemedy[] = "; send another shape";

// "while it runs on zeros, with xnnpack, in operator 3 (ADD)": as far as it is known.
std::string Where(const ProbeTale& tale) {
  if (tale.stage().empty()) return " before it read the file";
  std::string where = " while it " + tale.stage();
  if (!tale.operation().empty()) where += ", where it " + tale.operation();
  return where;
}

absl::Status Judge(const ProbeEnd& end, const ProbeTale& tale, const ProbeLimits& limits,
                   const std::string& crash_remedy = kCrashRemedy) {
  switch (end.how) {
    case How::kTooSlow:
      return ResourceExhausted("the model takes more than " + std::to_string(limits.time.count()) +
                               " s" + Where(tale) +
                               "; use a smaller model, or try again when the machine is less busy");
    case How::kOutOfMemory:
      return ResourceExhausted("the model asks for more memory than a first load may have" +
                               Where(tale) + "; use a smaller model or a machine with more");
    case How::kCrashed:
      return InvalidArgument("the runtime dies of the model (" + end.exit.ToString() + ")" +
                             Where(tale) + crash_remedy);
    case How::kAnswered:
      break;
  }
  return end.tale.answer();
}

// One examination of one file.
class Examination {
 public:
  Examination(const Context& context, const ProcessProbeOptions& options, ProbeChildOptions child)
      : context_(context), options_(options), child_(std::move(child)) {}

  absl::StatusOr<Verdict> Run() {
    Verdict verdict;
    verdict.unix_time = std::time(nullptr);
    ASSIGN_OR_RETURN(const ProbeEnd end, RunProbe(context_, options_, child_));
    if (end.how == How::kCrashed && child_.allow_delegate) {
      ASSIGN_OR_RETURN(const bool is_enough, HoldsWithoutDelegate());
      if (is_enough) {
        verdict.clearance = {.allow_delegate = false,
                             .warning = "without XNNPACK: " + MessageOf(Judge(end, end.tale, {}))};
        return verdict;
      }
    }
    if (end.how == How::kAnswered) {
      verdict.status = end.tale.answer();
      return verdict;
    }
    ASSIGN_OR_RETURN(const ProbeTale tale, Trace(end));
    verdict.status = Judge(end, tale, options_.limits);
    return verdict;
  }

 private:
  absl::StatusOr<bool> HoldsWithoutDelegate() {
    ProbeChildOptions plain = child_;
    plain.allow_delegate = false;
    ASSIGN_OR_RETURN(const ProbeEnd end, RunProbe(context_, options_, plain));
    return end.how == How::kAnswered && end.tale.answer().ok();
  }

  // Once more, with every operator told: the first run was as a load is, this one tells more. It
  // may end otherwise, for it is not quite the same; then the first one's tale stands.
  absl::StatusOr<ProbeTale> Trace(const ProbeEnd& first) {
    ProbeChildOptions traced = child_;
    traced.trace = true;
    ASSIGN_OR_RETURN(const ProbeEnd again, RunProbe(context_, options_, traced));
    if (again.how != first.how || again.tale.operation().empty()) return first.tale;
    return again.tale;
  }

  const Context& context_;
  const ProcessProbeOptions& options_;
  const ProbeChildOptions child_;
};

class ProcessProbe : public ModelProbe {
 public:
  ProcessProbe(ProcessProbeOptions options, ModelFacts& facts)
      : options_(std::move(options)),
        facts_(facts),
        runtime_(RuntimeConditions(options_.program_version)),
        conditions_(runtime_ + ", probed for " + std::to_string(options_.limits.time.count()) +
                    " s with " + std::to_string(options_.limits.memory_bytes >> 20) + " MiB") {}

  absl::StatusOr<Clearance> Check(const Context& context,
                                  const ProbeRequest& request) const override {
    const FactSubject subject = {.file_sha256 = Sha256Hex(request.bytes),
                                 .conditions = conditions_ + ", " +
                                               std::to_string(request.num_threads) + " threads" +
                                               (request.allow_delegate ? "" : ", no delegate")};
    RETURN_IF_ERROR(AwaitTurn(context, subject));
    absl::StatusOr<Verdict> verdict = VerdictOn(context, request, subject);
    EndTurn(subject);
    RETURN_IF_ERROR(verdict.status());
    if (verdict->status.ok()) return verdict->clearance;
    const std::string file = facts_.FileOf(Verdict::kKind, subject);
    if (file.empty()) return verdict->status;
    return absl::Status(verdict->status.code(),
                        ToAbsl(MessageOf(verdict->status) + " (known from " + file +
                               ": remove that to have it tried again)"));
  }

  absl::StatusOr<Preparation> ChooseForm(const Context& context,
                                         const ProbeRequest& request) const override {
    ProbeChildOptions child = ChildFor(request);
    child.choose_form = true;
    ASSIGN_OR_RETURN(const ProbeEnd end, Measure(context, child));
    RETURN_IF_ERROR(Judge(end, end.tale, options_.limits));
    return Preparation::FromJson(Parse(end.tale.preparation()));
  }

  absl::StatusOr<ServingTrial> TryServing(const Context& context,
                                          const ProbeRequest& request) const override {
    ProbeChildOptions child = ChildFor(request);
    child.try_serving = true;
    child.in_float = request.in_float;
    child.rows = request.rows;
    ASSIGN_OR_RETURN(const ProbeEnd end, Measure(context, child));
    const absl::Status judgement = Judge(end, end.tale, options_.limits);
    if (end.how == How::kAnswered) {
      RETURN_IF_ERROR(judgement);
      return ServingTrial::FromJson(Parse(end.tale.serving()));
    }
    // What it has told before still holds: the memory that one instance takes.
    ServingTrial trial;
    auto told = ServingTrial::FromJson(Parse(end.tale.serving()));
    if (told.ok()) trial = *std::move(told);
    trial.refusal = MessageOf(judgement);
    trial.died = true;
    return trial;
  }

  absl::Status TryShapes(const Context& context, const ProbeRequest& request) const override {
    ProbeChildOptions child = ChildFor(request);
    child.in_float = request.in_float;
    child.shapes = request.shapes;
    ASSIGN_OR_RETURN(const ProbeEnd end, RunProbe(context, options_, child));
    return Judge(end, end.tale, options_.limits, kShapeRemedy);
  }

  ModelFacts* facts() const override { return &facts_; }
  std::string conditions() const override { return runtime_; }

 private:
  absl::StatusOr<Verdict> VerdictOn(const Context& context, const ProbeRequest& request,
                                    const FactSubject& subject) const {
    std::optional<Verdict> known = facts_.Find<Verdict>(subject);
    if (known && !known->IsStale(std::time(nullptr))) return *std::move(known);
    ASSIGN_OR_RETURN(Verdict found, Examination(context, options_,
                                                {.path = request.path,
                                                 .sha256 = subject.file_sha256,
                                                 .num_threads = request.num_threads,
                                                 .allow_delegate = request.allow_delegate})
                                        .Run());
    // Anything else is not about the file: it changed meanwhile, it cannot be read any more.
    if (!found.status.ok() && !absl::IsInvalidArgument(found.status) &&
        !absl::IsResourceExhausted(found.status)) {
      return found.status;
    }
    facts_.Keep(subject, found);
    return found;
  }

  static ProbeChildOptions ChildFor(const ProbeRequest& request) {
    return {.path = request.path,
            .sha256 = request.sha256.empty() ? Sha256Hex(request.bytes) : request.sha256,
            .num_threads = request.num_threads,
            .allow_delegate = request.allow_delegate};
  }

  static nlohmann::json Parse(const std::string& text) {
    return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  }

  absl::StatusOr<ProbeEnd> Measure(const Context& context, const ProbeChildOptions& child) const {
    ASSIGN_OR_RETURN(const MeasuringTurn turn,
                     MeasuringTurn::Await(context, facts_.folder(), 2 * options_.limits.time));
    return RunProbe(context, options_, child);
  }

  absl::Status AwaitTurn(const Context& context, const FactSubject& subject) const {
    MutexLock lock(mutex_);
    while (busy_.contains(subject.file_sha256)) {
      RETURN_IF_ERROR(context.Check());
      turn_ended_.WaitFor(mutex_, kCancellationPoll);
    }
    busy_.insert(subject.file_sha256);
    return absl::OkStatus();
  }

  void EndTurn(const FactSubject& subject) const {
    MutexLock lock(mutex_);
    busy_.erase(subject.file_sha256);
    turn_ended_.NotifyAll();
  }

  const ProcessProbeOptions options_;
  ModelFacts& facts_;
  const std::string runtime_;
  const std::string conditions_;
  mutable Mutex mutex_;
  mutable CondVar turn_ended_;
  mutable std::set<std::string> busy_ ABSL_GUARDED_BY(mutex_);  // files that are probed now
};

}  // namespace

absl::StatusOr<Preparation> ModelProbe::ChooseForm(const Context&, const ProbeRequest&) const {
  return absl::UnimplementedError("this probe measures nothing");
}

absl::StatusOr<ServingTrial> ModelProbe::TryServing(const Context&, const ProbeRequest&) const {
  return absl::UnimplementedError("this probe measures nothing");
}

absl::Status ModelProbe::TryShapes(const Context&, const ProbeRequest&) const {
  return absl::UnimplementedError("this probe runs nothing");
}

std::unique_ptr<ModelProbe> MakeProcessProbe(ProcessProbeOptions options, ModelFacts& facts) {
  return std::make_unique<ProcessProbe>(std::move(options), facts);
}

}  // namespace bowerbird::infer
