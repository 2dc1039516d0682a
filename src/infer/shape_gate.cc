// SPDX-License-Identifier: Apache-2.0
#include "infer/shape_gate.h"

#include <utility>

#include "base/status.h"

namespace bowerbird::infer {
namespace {

constexpr size_t kMostVerdicts = 1024;

// Anything else is about this moment.
bool IsVerdict(const absl::Status& status) {
  return status.ok() || absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status);
}

}  // namespace

std::unique_ptr<ShapeGate> ShapeGate::For(const LoadedTflite& loaded,
                                          const TfliteOptions& options) {
  if (options.probe == nullptr) return nullptr;
  return std::unique_ptr<ShapeGate>(new ShapeGate(loaded, options));
}

ShapeGate::ShapeGate(const LoadedTflite& loaded, const TfliteOptions& options)
    : probe_(*options.probe),
      request_{.path = loaded.file->LivingPath(),
               .bytes = loaded.file->bytes(),
               .num_threads = options.num_threads,
               .allow_delegate = loaded.allow_delegate,
               .sha256 = loaded.file_sha256,
               .in_float = loaded.in_float},
      own_(loaded.instance->InputShapes()) {}

bool ShapeGate::HasPassed(const std::vector<Shape>& shapes) const {
  if (shapes == own_) return true;
  MutexLock lock(mutex_);
  const auto known = verdicts_.find(shapes);
  return known != verdicts_.end() && known->second.ok();
}

absl::Status ShapeGate::Try(const Context& context, const std::vector<Shape>& shapes) {
  {
    MutexLock lock(mutex_);
    while (true) {
      const auto known = verdicts_.find(shapes);
      if (known != verdicts_.end()) return known->second;
      if (!is_trying_) break;
      RETURN_IF_ERROR(context.Check());
      tried_.WaitFor(mutex_, kCancellationPoll);
    }
    is_trying_ = true;
  }
  absl::Status verdict = Ask(context, shapes);
  MutexLock lock(mutex_);
  is_trying_ = false;
  if (IsVerdict(verdict)) Remember(shapes, verdict);
  tried_.NotifyAll();
  return verdict;
}

absl::Status ShapeGate::Ask(const Context& context, const std::vector<Shape>& shapes) const {
  ProbeRequest request = request_;
  request.shapes = shapes;
  absl::Status verdict = probe_.TryShapes(context, request);
  return absl::IsUnimplemented(verdict) ? absl::OkStatus() : verdict;
}

void ShapeGate::Remember(const std::vector<Shape>& shapes, const absl::Status& verdict) {
  if (!verdicts_.emplace(shapes, verdict).second) return;
  oldest_first_.push_back(shapes);
  if (oldest_first_.size() <= kMostVerdicts) return;
  verdicts_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

}  // namespace bowerbird::infer
