// SPDX-License-Identifier: Apache-2.0
//
// The motor and the board that exist as formulas.
#include <thread>

#include "base/status.h"
#include "gmock/gmock.h"
#include "machine/board.h"
#include "machine/builtins.h"
#include "machine/motor.h"

namespace bowerbird::machine {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;

class FakeActuators : public testing::Test {
 protected:
  FakeActuators() { RegisterBuiltins(catalog_); }

  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> Build(const Json& attributes) {
    ASSIGN_OR_RETURN(const auto entry, catalog_.Find(T::kApi, {"rdk", "builtin", "fake"}));
    ResourceConfig config;
    config.name = {T::kApi, "x"};
    config.attributes = attributes;
    const Attributes read(config.attributes, "attributes");
    RETURN_IF_ERROR(entry.validate(config, read).status());
    const std::map<std::string, std::shared_ptr<Resource>> none;
    ASSIGN_OR_RETURN(const auto built, entry.build({config, read, environment_, none}));
    return std::dynamic_pointer_cast<T>(built);
  }

  Catalog catalog_;
  Environment environment_;
};

TEST_F(FakeActuators, AMotorGoesAsFarAsItIsToldAndStands) {
  const auto motor = *Build<Motor>({{"max_rpm", 6000}});
  ASSERT_TRUE(motor->GoFor({}, 3000, 2, {}).ok());
  EXPECT_EQ(*motor->GetPosition({}, {}), 2);
  EXPECT_FALSE(*motor->IsMoving({}));
  EXPECT_FALSE(motor->IsPowered({}, {})->is_on);
  ASSERT_TRUE(motor->GoFor({}, -3000, 1, {}).ok()) << "backwards";
  EXPECT_EQ(*motor->GetPosition({}, {}), 1);
  ASSERT_TRUE(motor->GoFor({}, -3000, -1, {}).ok()) << "forwards";
  EXPECT_EQ(*motor->GetPosition({}, {}), 2);
  ASSERT_TRUE(motor->GoTo({}, 6000, -1.5, {}).ok());
  EXPECT_EQ(*motor->GetPosition({}, {}), -1.5);
}

TEST_F(FakeActuators, AMotorTurnsAtTheSpeedThatItsPowerGives) {
  const auto motor = *Build<Motor>({{"max_rpm", 600}});
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(motor->SetPower({}, -0.5, {}).ok());
  EXPECT_TRUE(*motor->IsMoving({}));
  EXPECT_EQ(motor->IsPowered({}, {})->fraction, -0.5);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double position = *motor->GetPosition({}, {});
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  EXPECT_THAT(position, DoubleNear(-5 * passed.count(), 0.05));
  ASSERT_TRUE(motor->Stop({}).ok());
  const double stopped = *motor->GetPosition({}, {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(*motor->GetPosition({}, {}), stopped);
  ASSERT_TRUE(motor->SetRpm({}, 300, {}).ok());
  EXPECT_EQ(motor->IsPowered({}, {})->fraction, 0.5);
  ASSERT_TRUE(motor->SetPower({}, 7, {}).ok());
  EXPECT_EQ(motor->IsPowered({}, {})->fraction, 1) << "no more than all of it";
}

TEST_F(FakeActuators, AMotionEndsForItsCallerWhenAnotherTakesItsPlace) {
  const auto motor = *Build<Motor>({{"max_rpm", 60}});
  std::thread stopper([&] {
    while (!*motor->IsMoving({})) std::this_thread::yield();
    EXPECT_TRUE(motor->Stop({}).ok());
  });
  EXPECT_EQ(motor->GoFor({}, 60, 1000, {}).code(), absl::StatusCode::kCancelled);
  stopper.join();
  EXPECT_FALSE(*motor->IsMoving({}));
}

TEST_F(FakeActuators, ACallerThatGoesStopsTheMotor) {
  const auto motor = *Build<Motor>({});
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      motor->GoFor(Context().WithTimeout(std::chrono::milliseconds(30)), 60, 1000, {})));
  EXPECT_FALSE(*motor->IsMoving({}));
}

TEST_F(FakeActuators, AMotorsZeroPositionCanBeMoved) {
  const auto motor = *Build<Motor>({{"max_rpm", 6000}});
  ASSERT_TRUE(motor->GoTo({}, 6000, 3, {}).ok());
  ASSERT_TRUE(motor->ResetZeroPosition({}, 0.5, {}).ok());
  EXPECT_THAT(*motor->GetPosition({}, {}), DoubleNear(0.5, 1e-9));
}

TEST_F(FakeActuators, AMotorRefusesWhatMakesNoSense) {
  const auto motor = *Build<Motor>({{"reports_position", false}});
  EXPECT_TRUE(absl::IsInvalidArgument(motor->GoFor({}, 0, 1, {})));
  EXPECT_TRUE(absl::IsInvalidArgument(motor->GoFor({}, 1, 0, {})));
  EXPECT_TRUE(absl::IsInvalidArgument(motor->SetPower({}, std::nan(""), {})));
  EXPECT_TRUE(absl::IsUnimplemented(motor->GetPosition({}, {}).status()));
  EXPECT_FALSE(*motor->ReportsPosition({}, {}));
  EXPECT_THAT(MessageOf(Build<Motor>({{"max_rpm", -1}}).status()), HasSubstr("max_rpm"));
}

TEST_F(FakeActuators, ABoardReadsWhatWasWritten) {
  const auto board = *Build<Board>({{"analogs", {{{"name", "level"}, {"pin", "a0"}}}}});
  EXPECT_FALSE(*board->GetGpio({}, "7", {}));
  ASSERT_TRUE(board->SetGpio({}, "7", true, {}).ok());
  EXPECT_TRUE(*board->GetGpio({}, "7", {}));
  ASSERT_TRUE(board->SetPwm({}, "8", 0.25, {}).ok());
  EXPECT_EQ(*board->GetPwm({}, "8", {}), 0.25);
  EXPECT_TRUE(absl::IsInvalidArgument(board->SetPwm({}, "8", 2, {})));
  ASSERT_TRUE(board->SetPwmFrequency({}, "8", 1000, {}).ok());
  EXPECT_EQ(*board->GetPwmFrequency({}, "8", {}), 1000U);
  ASSERT_TRUE(board->WriteAnalog({}, "a0", 2048, {}).ok());
  const auto level = board->ReadAnalog({}, "level", {});
  ASSERT_TRUE(level.ok());
  EXPECT_EQ(level->value, 2048);
  EXPECT_NEAR(level->minimum + static_cast<float>(level->value) * level->step, 1.65, 0.01);
  EXPECT_TRUE(absl::IsNotFound(board->ReadAnalog({}, "none", {}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(board->SetGpio({}, "", true, {})));
}

TEST_F(FakeActuators, ABoardCountsAndTellsEdges) {
  const auto board = *Build<Board>({{"digital_interrupts", {{{"name", "door"}, {"pin", "5"}}}}});
  std::atomic<bool> listening = false;
  std::vector<Tick> ticks;
  std::thread listener([&] {
    Context context;
    context.cancelled = [&] {
      listening = true;
      return false;
    };
    EXPECT_TRUE(board
                    ->StreamTicks(context, {"door"},
                                  [&](const Tick& tick) {
                                    ticks.push_back(tick);
                                    return ticks.size() < 3;
                                  },
                                  {})
                    .ok());
  });
  while (!listening) std::this_thread::yield();
  for (const bool high : {true, true, false, true}) {
    ASSERT_TRUE(board->SetGpio({}, "5", high, {}).ok());
    ASSERT_TRUE(board->SetGpio({}, "6", high, {}).ok());
  }
  listener.join();
  EXPECT_EQ(*board->GetInterruptCount({}, "door", {}), 3);
  ASSERT_EQ(ticks.size(), 3U);
  EXPECT_EQ(ticks[0].pin, "door");
  EXPECT_TRUE(ticks[0].high);
  EXPECT_FALSE(ticks[1].high);
  EXPECT_LE(ticks[0].nanoseconds, ticks[2].nanoseconds);
  EXPECT_TRUE(absl::IsNotFound(board->GetInterruptCount({}, "window", {}).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      board->StreamTicks(Context().WithTimeout(std::chrono::milliseconds(20)), {"door"},
                         [](const Tick&) { return true; }, {})));
}

}  // namespace
}  // namespace bowerbird::machine
