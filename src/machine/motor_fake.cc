// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/status.h"
#include "machine/builtins.h"
#include "machine/motor.h"

namespace bowerbird::machine {
namespace {

using std::chrono::steady_clock;

constexpr double kDefaultMaxRpm = 60;
constexpr double kSecondsPerMinute = 60;

// A motor that exists as a formula: it turns at the speed that its power gives, and where it stands
// follows from the time that has passed. No thread turns it.
class FakeMotor : public Motor {
 public:
  FakeMotor(double max_rpm, bool reports_position)
      : max_rpm_(max_rpm), reports_position_(reports_position) {}

  absl::Status SetPower(const Context&, double fraction, const Json&) override {
    if (!std::isfinite(fraction)) return InvalidArgument("the power is no number");
    const MutexLock lock(mutex_);
    Begin(std::clamp(fraction, -1.0, 1.0), std::nullopt);
    return absl::OkStatus();
  }

  absl::Status GoFor(const Context& context, double rpm, double revolutions, const Json&) override {
    RETURN_IF_ERROR(CheckSpeed(rpm));
    if (!std::isfinite(revolutions) || revolutions == 0)
      return InvalidArgument("GoFor needs a number of revolutions that is not 0");
    const double forward = (rpm < 0) == (revolutions < 0) ? 1 : -1;
    const MutexLock lock(mutex_);
    Begin(forward * PowerFor(rpm), PositionNow() + forward * std::abs(revolutions));
    return AwaitTarget(context);
  }

  absl::Status GoTo(const Context& context, double rpm, double position, const Json&) override {
    RETURN_IF_ERROR(CheckSpeed(rpm));
    if (!std::isfinite(position)) return InvalidArgument("the position is no number");
    const MutexLock lock(mutex_);
    const double way = position - PositionNow();
    if (way == 0) {
      Begin(0, std::nullopt);
      return absl::OkStatus();
    }
    Begin(std::copysign(PowerFor(rpm), way), position);
    return AwaitTarget(context);
  }

  absl::Status SetRpm(const Context&, double rpm, const Json&) override {
    RETURN_IF_ERROR(CheckSpeed(rpm));
    const MutexLock lock(mutex_);
    Begin(std::copysign(PowerFor(rpm), rpm), std::nullopt);
    return absl::OkStatus();
  }

  absl::Status ResetZeroPosition(const Context&, double offset, const Json&) override {
    if (!std::isfinite(offset)) return InvalidArgument("the offset is no number");
    const MutexLock lock(mutex_);
    const double moved = offset - PositionNow();
    start_position_ += moved;
    if (target_.has_value()) *target_ += moved;
    return absl::OkStatus();
  }

  absl::StatusOr<double> GetPosition(const Context&, const Json&) override {
    if (!reports_position_)
      return Unimplemented("this motor does not know its position: set reports_position");
    const MutexLock lock(mutex_);
    return PositionNow();
  }

  absl::StatusOr<bool> ReportsPosition(const Context&, const Json&) override {
    return reports_position_;
  }

  absl::StatusOr<MotorPower> IsPowered(const Context&, const Json&) override {
    const MutexLock lock(mutex_);
    const double power = PowerNow();
    return MotorPower{power != 0, power};
  }

  absl::StatusOr<bool> IsMoving(const Context&) override {
    const MutexLock lock(mutex_);
    return PowerNow() != 0;
  }

  absl::Status Stop(const Context&) override {
    const MutexLock lock(mutex_);
    Begin(0, std::nullopt);
    return absl::OkStatus();
  }

 private:
  absl::Status CheckSpeed(double rpm) const {
    if (!std::isfinite(rpm) || rpm == 0)
      return InvalidArgument("the speed must be a number of revolutions per minute, not 0");
    return absl::OkStatus();
  }
  // Faster than it can, it turns as fast as it can.
  double PowerFor(double rpm) const { return std::min(std::abs(rpm) / max_rpm_, 1.0); }

  double RevolutionsSinceStart() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::chrono::duration<double> passed = steady_clock::now() - start_;
    return power_ * max_rpm_ / kSecondsPerMinute * passed.count();
  }
  bool AtTarget() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return target_.has_value() &&
           std::abs(RevolutionsSinceStart()) >= std::abs(*target_ - start_position_);
  }
  double PositionNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return AtTarget() ? *target_ : start_position_ + RevolutionsSinceStart();
  }
  double PowerNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return AtTarget() ? 0 : power_; }

  void Begin(double power, std::optional<double> target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    start_position_ = PositionNow();
    start_ = steady_clock::now();
    power_ = power;
    target_ = target;
    ++motion_;
    changed_.NotifyAll();
  }

  // A caller that goes stops the motor: nobody would.
  absl::Status AwaitTarget(const Context& context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint64_t motion = motion_;
    while (motion == motion_ && !AtTarget()) {
      absl::Status status = context.Check();
      if (!status.ok()) {
        Begin(0, std::nullopt);
        return status;
      }
      changed_.WaitUntil(mutex_, steady_clock::now() + kCancellationPoll);
    }
    if (motion == motion_) return absl::OkStatus();
    return absl::CancelledError("another motion, or Stop, has taken its place");
  }

  const double max_rpm_;
  const bool reports_position_;
  Mutex mutex_;
  CondVar changed_;
  // The motion that is under way: from there, since then, with that power, to there.
  double start_position_ ABSL_GUARDED_BY(mutex_) = 0;
  steady_clock::time_point start_ ABSL_GUARDED_BY(mutex_) = steady_clock::now();
  double power_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<double> target_ ABSL_GUARDED_BY(mutex_);
  uint64_t motion_ ABSL_GUARDED_BY(mutex_) = 0;
};

struct MotorAttributes {
  double max_rpm = kDefaultMaxRpm;
  bool reports_position = true;
};

absl::StatusOr<MotorAttributes> Read(const Attributes& attributes) {
  MotorAttributes read;
  ASSIGN_OR_RETURN(read.max_rpm, attributes.Double("max_rpm", kDefaultMaxRpm, 0.001, 1e6));
  ASSIGN_OR_RETURN(read.reports_position, attributes.Bool("reports_position", true));
  return read;
}

}  // namespace

void AddFakeMotor(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kMotorApi;
  entry.model = {"rdk", "builtin", "fake"};
  entry.validate = [](const ResourceConfig&,
                      const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(Read(attributes).status());
    return std::vector<std::string>();
  };
  entry.build = [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    ASSIGN_OR_RETURN(const MotorAttributes read, Read(request.attributes));
    return std::make_shared<FakeMotor>(read.max_rpm, read.reports_position);
  };
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
